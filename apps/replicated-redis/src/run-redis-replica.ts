import {
  RedisBackend,
  RedisFrontEnd,
  RedisStateMachine,
  type Address,
  type RedisBackendOptions,
  type ReplicaLike,
} from '@mu-smr/adapter-redis';
import type { IbverbsFabric, Divergence, TimelineStep } from '@mu-smr/consensus';
import { createReplica } from './create-replica.js';
import { ClusterConfigError, parseAddress, type ClusterConfig } from './cluster-config.js';

/** A replica that this program starts and ends. */
export interface OwnedReplica extends ReplicaLike {
  start(options?: { readonly signal?: AbortSignal }): Promise<unknown>;
  close(): Promise<unknown>;
  on: ReplicaLike['on'] &
    ((event: 'failed', listener: (error: Error) => void) => unknown) &
    ((event: 'timeline', listener: (step: TimelineStep) => void) => unknown) &
    ((event: 'diverged', listener: (divergence: Divergence) => void) => unknown);
}

export interface RunRedisReplicaOptions {
  readonly config: ClusterConfig;
  /** Which replica of the configuration this process is. */
  readonly id: number;
  /** RDMA devices instead of shared memory. */
  readonly ibverbs?: IbverbsFabric;
  /** Makes the replica that applies to `stateMachine`, not started yet. Default: a `Replica` of Mu. */
  readonly createReplica?: CreateReplica;
  /** redis-server, and the directory of its socket: beside the fabric's by default. */
  readonly backend?: RedisBackendOptions;
  /** Longest payload of one log entry in bytes. Default: 256 KiB. */
  readonly maxCommandBytes?: number;
  /** Ends the wait for the other replicas. */
  readonly signal?: AbortSignal;
}

export type CreateReplica = (
  config: ClusterConfig,
  id: number,
  stateMachine: RedisStateMachine,
  ibverbs?: IbverbsFabric,
) => OwnedReplica;

export interface RunningRedisReplica<Owned extends OwnedReplica = OwnedReplica> {
  readonly clientPort: number;
  readonly replica: Owned;
  /** Resolves should the replica be unable to go on: it has closed itself then. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

/** Starts one replica of a replicated Redis: redis-server, replica, and the port for clients. */
export function runRedisReplica<Own extends OwnedReplica = ReturnType<typeof createReplica>>(
  options: Omit<RunRedisReplicaOptions, 'createReplica'> & {
    readonly createReplica?: (...described: Parameters<CreateReplica>) => Own;
  },
): Promise<RunningRedisReplica<Own>>;
export async function runRedisReplica(
  options: RunRedisReplicaOptions,
): Promise<RunningRedisReplica> {
  const addresses = clientAddresses(options.config);
  const own = addresses.get(options.id);
  if (own === undefined) {
    throw new ClusterConfigError(`cluster configuration: no replica has the id ${options.id}`);
  }
  // Closed in the order opposite to that of their start, whatever of them has started.
  const closers: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  try {
    const backend = await RedisBackend.start({
      // Where the next start of this replica finds and empties it, should this one be killed.
      directory: `${options.config.fabric}.redis-${options.id}`,
      ...options.backend,
    });
    closers.push(() => backend.close());
    const stateMachine = new RedisStateMachine(backend);
    const replica = (options.createReplica ?? createReplica)(
      options.config,
      options.id,
      stateMachine,
      options.ibverbs,
    );
    closers.push(() => replica.close());
    const failed = firstFailure(backend, replica).then(async (error) => {
      await closeAll();
      return error;
    });
    await replica.start(options.signal === undefined ? {} : { signal: options.signal });
    const { payloadBytesMax } = options.config.log;
    const maxCommandBytes = Math.min(options.maxCommandBytes ?? COMMAND_BYTES_MAX, payloadBytesMax);
    const frontEnd = await RedisFrontEnd.listen({
      replica,
      stateMachine,
      addresses,
      ...own,
      maxCommandBytes,
    });
    closers.push(() => frontEnd.close());
    return { clientPort: frontEnd.port, replica, failed, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function firstFailure(backend: RedisBackend, replica: OwnedReplica): Promise<Error> {
  return new Promise((resolve) => {
    backend.once('failed', resolve);
    replica.on('failed', resolve);
  });
}

function clientAddresses(config: ClusterConfig): Map<number, Address> {
  return new Map(config.replicas.map(({ id, client }) => [id, parseAddress(client)!]));
}

const COMMAND_BYTES_MAX = 256 * 1024;
