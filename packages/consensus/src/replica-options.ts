import { createHash } from 'node:crypto';
import { checkGeometry, LogError, type LogGeometry } from '@mu-smr/log';
import { defaultFabric, type IbverbsOptions } from '@mu-smr/verbs';
import { z } from 'zod';
import { REPLICAS_MAX } from './core/proposal-number.ts';
import { ConsensusError } from './errors.ts';
import { DEFAULT_GEOMETRY, type Tuning } from './limits.ts';
import type { ReplicaId } from './propose-outcome.ts';
import { copyOf } from './runtime/copy-of.ts';
import { tuningOf, type Transport } from './runtime/transport.ts';
import type { StateMachine } from './state-machine.ts';

/** What a replica is made of. */
export interface ReplicaOptions<Result> {
  /** This replica: 0 … slots − 1. Lower ids are preferred as leaders. */
  readonly id: ReplicaId;
  /** How many replicas found the group, with ids from 0; best an odd number. */
  readonly replicas: number;
  /**
   * How many ids there is room for, those of replicas that are added later included; the same at all.
   * Default: `replicas`.
   */
  readonly slots?: number;
  /** Name of the group: letters, digits, dots and dashes. */
  readonly group: string;
  /** Shared by the group's replicas, never sent: proves to each that the others belong to it. */
  readonly secret: string;
  readonly stateMachine: StateMachine<Result>;
  /**
   * Directory where the group's replicas meet, on a memory file system; made with mode 0700.
   * Default: `<the user's fabric>/<group>`.
   */
  readonly fabric?: string;
  /** RDMA devices instead of shared memory: for groups of several machines. */
  readonly ibverbs?: IbverbsFabric;
  /** Models a network's round trip in nanoseconds; figures made with it are *modelled*. Default 0. */
  readonly fabricRttNs?: number;
  readonly geometry?: Partial<LogGeometry>;
  readonly tuning?: Partial<Tuning>;
}

/** How a group meets, and whose device it uses, over RDMA. */
export interface IbverbsFabric {
  /** This replica's device: `DEVICE[:PORT[:GID]]`, by default port 1 and a RoCE v2 address of IPv4. */
  readonly device: string;
  /**
   * Where each replica is met over TCP, by id: `host:port`. Each listens at its own, where those with
   * lower ids call; endpoints and keys are exchanged there, and nothing else.
   */
  readonly rendezvous: readonly string[];
  /** Timeouts, retries and polling of the connections; the same at all replicas. */
  readonly connection?: IbverbsOptions;
}

const HostAndPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]]+):\d{1,5}$/, 'must be host:port');

const Schema = z.object({
  id: z.int().min(0),
  replicas: z.int().min(1).max(REPLICAS_MAX),
  slots: z.int().min(1).max(REPLICAS_MAX).optional(),
  group: z.string().regex(/^[A-Za-z0-9.-]{1,40}$/, 'letters, digits, dots and dashes, at most 40'),
  secret: z.string().min(1),
  fabric: z.string().startsWith('/').optional(),
  fabricRttNs: z.int().min(0).optional(),
  ibverbs: z.object({ device: z.string().min(1), rendezvous: z.array(HostAndPort) }).optional(),
});

/** Options that were checked and completed. */
export interface CompleteOptions<Result> {
  readonly id: ReplicaId;
  readonly replicas: number;
  readonly slots: number;
  readonly group: string;
  readonly secret: string;
  readonly stateMachine: StateMachine<Result>;
  readonly transport: Transport;
  readonly geometry: LogGeometry;
  readonly tuning: Tuning;
}

/** Checks options once; throws `ConsensusError` BAD_OPTIONS that names what is wrong. */
export function completeOptions<Result>(options: ReplicaOptions<Result>): CompleteOptions<Result> {
  const checked = Schema.safeParse(options);
  if (!checked.success) {
    const problems = checked.error.issues.map(
      (issue) => `${issue.path.join('.')}: ${issue.message}`,
    );
    throw new ConsensusError('BAD_OPTIONS', problems.join('; '));
  }
  const slots = options.slots ?? options.replicas;
  if (slots < options.replicas || options.id >= slots)
    throw new ConsensusError(
      'BAD_OPTIONS',
      `id ${options.id} in a group of ${options.replicas} replicas with room for ${slots}`,
    );
  const geometry = copyOf(DEFAULT_GEOMETRY, options.geometry);
  try {
    checkGeometry(geometry);
  } catch (cause) {
    if (cause instanceof LogError)
      throw new ConsensusError('BAD_OPTIONS', cause.message, { cause });
    throw cause;
  }
  const transport = transportOf(options);
  return {
    id: options.id,
    replicas: options.replicas,
    slots,
    group: options.group,
    secret: options.secret,
    stateMachine: options.stateMachine,
    transport,
    geometry,
    tuning: copyOf(tuningOf(transport), options.tuning),
  };
}

function transportOf(options: ReplicaOptions<unknown>): Transport {
  const { ibverbs, fabric, fabricRttNs, group, replicas, slots = replicas } = options;
  if (ibverbs === undefined)
    return {
      kind: 'shm',
      fabric: fabric ?? `${defaultFabric()}/${group}`,
      fabricRttNs: fabricRttNs ?? 0,
    };
  const { device, rendezvous, connection = {} } = ibverbs;
  if (rendezvous.length !== slots)
    throw new ConsensusError(
      'BAD_OPTIONS',
      `ibverbs.rendezvous: ${rendezvous.length} addresses for ${slots} replicas`,
    );
  return { kind: 'ibverbs', device, rendezvous, connection };
}

/** Everything that must be equal at all replicas of a group, by name. */
export function agreement(options: CompleteOptions<unknown>): Record<string, string | number> {
  return {
    protocol: 3,
    provider: options.transport.kind,
    group: options.group,
    replicas: options.replicas,
    slots: options.slots,
    'log.capacityBytes': options.geometry.capacityBytes,
    'log.payloadBytesMax': options.geometry.payloadBytesMax,
    'log.windowBytes': options.geometry.windowBytes,
  };
}

/** The two words that mark this group's entries; not to be guessed without the secret. */
export function groupNonce(options: CompleteOptions<unknown>): readonly [number, number] {
  const digest = createHash('sha256').update(`log\0${options.group}\0${options.secret}`).digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}
