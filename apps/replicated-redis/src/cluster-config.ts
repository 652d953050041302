import { readFile } from 'node:fs/promises';
import type { Address } from '@mu-smr/adapter-redis';
import { z } from 'zod';

const replica = z.strictObject({
  id: z.int().min(0).max(63),
  /** Where this replica's Redis clients connect: `host:port`. */
  client: z.string().refine((text) => parseAddress(text) !== undefined, 'must be host:port'),
  /** Where the other replicas call this one when the group runs over RDMA: `host:port`. */
  rendezvous: z
    .string()
    .refine((text) => parseAddress(text) !== undefined, 'must be host:port')
    .optional(),
});

const clusterConfigSchema = z.strictObject({
  name: z.string().min(1),
  /** Directory of this group on a memory file system: there replicas of one machine meet. */
  fabric: z.string().startsWith('/', 'must be an absolute path'),
  secret: z.string().min(16, 'must have at least 16 characters'),
  application: z.literal('redis'),
  replicas: z
    .array(replica)
    .min(1)
    .refine(
      (replicas) => replicas.every(({ id }, index) => id === index),
      'ids must be 0, 1, 2 and so on, in this order',
    ),
  /** How many of them found the group, those with the lowest ids; the others join it. Default: all. */
  founders: z.int().min(1).optional(),
  /** Geometry of the log; what it may hold is for the log to say. */
  log: z.strictObject({
    capacityBytes: z.int().positive(),
    payloadBytesMax: z
      .int()
      .positive()
      .default(512 * 1024),
    windowBytes: z
      .int()
      .positive()
      .default(2 * 1024 * 1024),
  }),
});

/** A group of replicas, the same file at each of them. */
export type ClusterConfig = z.infer<typeof clusterConfigSchema>;

/** The configuration cannot be used; the message names each field and what is wrong with it. */
export class ClusterConfigError extends Error {
  readonly code = 'CLUSTER_CONFIG';
}

export function parseClusterConfig(value: unknown): ClusterConfig {
  const parsed = clusterConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new ClusterConfigError(`cluster configuration: ${problems.join('; ')}`);
}

export async function readClusterConfig(path: string): Promise<ClusterConfig> {
  const text = await readFile(path, 'utf8');
  try {
    return parseClusterConfig(JSON.parse(text));
  } catch (error) {
    if (error instanceof ClusterConfigError) throw error;
    throw new ClusterConfigError(`${path} is not JSON`, { cause: error });
  }
}

/** `host:port`, the host of IPv6 in brackets; `undefined` for anything else. */
export function parseAddress(text: string): Address | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (parts === null || Number(parts[3]) > 65_535) return undefined;
  return { host: parts[1] ?? parts[2], port: Number(parts[3]) };
}
