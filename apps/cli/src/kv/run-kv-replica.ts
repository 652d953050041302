import { Replica, withSessions, type IbverbsFabric, type SessionResult } from '@mu-smr/consensus';
import { z } from 'zod';
import { CliError } from '../errors.ts';
import { KvServer } from './kv-server.ts';
import { KvStateMachine } from './kv-state-machine.ts';

/** How often replicas compare their states: seldom beside writes of a kilobyte, often enough to be seen. */
const DIGEST_INTERVAL_BYTES = 256 * 1024;

const KvConfig = z.object({
  name: z.string(),
  fabric: z.string().startsWith('/', 'must be an absolute path'),
  secret: z.string().min(16, 'must have at least 16 characters'),
  application: z.literal('kv'),
  replicas: z
    .array(
      z.object({
        id: z.int(),
        client: z.string().regex(/^[^:]+:\d{1,5}$/, 'must be host:port'),
        /** Where the other replicas call this one when the group runs over RDMA. */
        rendezvous: z
          .string()
          .regex(/^.+:\d{1,5}$/, 'must be host:port')
          .optional(),
      }),
    )
    .min(1)
    .refine(
      (replicas) => replicas.every(({ id }, index) => id === index),
      'ids must be 0, 1, 2 and so on, in this order',
    ),
  /** How many of them found the group, those with the lowest ids; the others join it. Default: all. */
  founders: z.int().min(1).optional(),
  log: z.object({
    capacityBytes: z.int(),
    payloadBytesMax: z.int().default(512 * 1024),
    windowBytes: z.int().default(2 * 1024 * 1024),
  }),
});

/** What a group of key-value replicas is; the same file at each of them. */
export type KvConfig = z.infer<typeof KvConfig>;

/** Checks a configuration; the error names each field and what is wrong with it. */
export function parseKvConfig(value: unknown): KvConfig {
  const parsed = KvConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new CliError('CLUSTER_CONFIG', `cluster configuration: ${problems.join('; ')}`, 2);
}

export interface RunningKvReplica {
  readonly replica: Replica<SessionResult>;
  /** Resolves should the replica be unable to go on. */
  readonly failed: Promise<Error>;
  /** Of the applied state. */
  digest(): string;
  close(): Promise<void>;
}

/** Starts one replica of the built-in key-value store. */
export async function runKvReplica(
  config: KvConfig,
  id: number,
  signal: AbortSignal,
  ibverbs?: IbverbsFabric,
  made: (replica: Replica<SessionResult>) => void = () => undefined,
): Promise<RunningKvReplica> {
  const store = new KvStateMachine();
  const stateMachine = withSessions(store);
  const replica = new Replica<SessionResult>({
    id,
    replicas: config.founders ?? config.replicas.length,
    slots: config.replicas.length,
    group: config.name,
    fabric: config.fabric,
    ...(ibverbs === undefined ? {} : { ibverbs }),
    secret: config.secret,
    geometry: config.log,
    stateMachine,
    tuning: { digestIntervalBytes: DIGEST_INTERVAL_BYTES },
  });
  made(replica);
  const failed = new Promise<Error>((resolve) => void replica.once('failed', resolve));
  await replica.start({ signal });
  const addresses = config.replicas.map(({ client }) => client);
  try {
    const server = await KvServer.listen(replica, store, addresses);
    return {
      replica,
      failed,
      digest: () => stateMachine.digest?.() ?? store.digest(),
      close: async () => {
        server.close();
        await replica.close();
      },
    };
  } catch (error) {
    await replica.close();
    throw error;
  }
}
