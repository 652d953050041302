import { readFile } from 'node:fs/promises';
import type { IbverbsFabric } from '@mu-smr/consensus';
import { MetricsServer, type MetricsSource } from '@mu-smr/consensus/metrics';
import {
  ClusterConfigError,
  createReplica,
  parseClusterConfig,
  runRedisReplica,
} from '@mu-smr/replicated-redis';
import { CliError } from '../errors.ts';
import { controlPath, serveControl } from '../group/control.ts';
import { removeIfEmpty } from '../group/own-directory.ts';
import { ReplicaControl, type ControlledReplica } from '../group/replica-control.ts';
import type { ReplicaMessage } from '../group/replica-process.ts';
import { aborted, interruption } from '../interruption.ts';
import { aboutSize } from '../members/warnings.ts';
import { wholeNumber } from '../output/numbers.ts';
import { parseKvConfig, runKvReplica } from '../kv/run-kv-replica.ts';
import { checkApplication, type Application } from './application.ts';

/** A replica of some application that runs in this process. */
interface RunningReplica {
  readonly replica: MetricsSource;
  readonly failed: Promise<Error>;
  digest?(): string;
  close(): Promise<void>;
}

/** The part of cluster.json that all applications have in common. */
interface CommonConfig {
  readonly fabric: string;
  readonly founders?: number | undefined;
  readonly replicas: readonly {
    readonly id: number;
    readonly client: string;
    readonly rendezvous?: string | undefined;
  }[];
}

/** How long we take to end once our supervisor is gone; nobody is left who would kill us. */
const GRACE_MS = 5000;

/** `mu run APPLICATION --config FILE --id N`: one replica, until a signal or its supervisor ends it. */
export async function run(
  application: string,
  options: { config: string; id: string; fabric?: string; metricsPort?: string },
): Promise<number> {
  checkApplication(application);
  if (!/^\d+$/.test(options.id))
    throw new CliError('USAGE', `--id must be a replica's number, not ${options.id}`, 2);
  const id = Number(options.id);
  const metricsPort =
    options.metricsPort === undefined
      ? undefined
      : wholeNumber('metrics-port', options.metricsPort, 1, 65_535);
  const { config, start } = applicationOf(application, await readConfig(options.config));
  if (config.replicas[id] === undefined)
    throw new CliError(
      'USAGE',
      `--id must be 0 to ${config.replicas.length - 1}: ${options.config} has no replica ${id}`,
      2,
    );

  // A supervisor has told its user already.
  if (!process.connected)
    for (const warning of aboutSize(config.founders ?? config.replicas.length))
      console.error(`warning: ${warning}`);
  const ibverbs = options.fabric === undefined ? undefined : rdma(options.fabric, config);
  const told = AbortSignal.any([interruption(), supervisorGone()]);
  try {
    const control = new ReplicaControl();
    const server = await serveControl(controlPath(config.fabric, id), control);
    try {
      const running = await start(id, told, ibverbs, (replica) => control.made(replica)).catch(
        (error: Error) => {
          throw told.aborted ? (told.reason as Error) : error;
        },
      );
      control.running = running;
      if (metricsPort !== undefined) await measured(running, metricsPort);
      console.log(`replica ${id} serves ${application} clients at ${config.replicas[id].client}`);
      await serve(running, told);
    } finally {
      server.close();
      removeIfEmpty(config.fabric);
    }
  } finally {
    // The channel to a supervisor would keep this process alive.
    if (process.connected) process.disconnect();
  }
  return 0;
}

/** What `--fabric ibverbs:DEVICE[:PORT[:GID]]` and the configuration say of a group over RDMA. */
function rdma(fabric: string, config: CommonConfig): IbverbsFabric {
  const device = /^ibverbs:(.+)$/.exec(fabric)?.[1];
  if (device === undefined)
    throw new CliError(
      'USAGE',
      `--fabric must be ibverbs:DEVICE[:PORT[:GID]], not "${fabric}" (mu doctor lists devices)`,
      2,
    );
  const rendezvous = config.replicas.map((replica) => {
    if (replica.rendezvous !== undefined) return replica.rendezvous;
    throw new CliError(
      'CLUSTER_CONFIG',
      `cluster configuration: replicas.${replica.id}.rendezvous: a group over RDMA needs host:port there`,
      2,
    );
  });
  return { device, rendezvous };
}

/** Serves the replica's metrics; ends the replica when that cannot be. */
async function measured(running: RunningReplica, port: number): Promise<void> {
  try {
    await MetricsServer.listen(running.replica, { port });
  } catch (error) {
    await running.close();
    throw error;
  }
}

/** Runs until we are told to end, or the replica fails. */
async function serve(running: RunningReplica, told: AbortSignal): Promise<void> {
  process.send?.({ kind: 'ready' } satisfies ReplicaMessage);
  const failure = await Promise.race([aborted(told), running.failed]);
  await running.close();
  if (failure instanceof Error) throw new CliError('REPLICA_FAILED', failure.message);
}

/** Aborted when the IPC channel to whoever started us closes, if there was one. */
function supervisorGone(): AbortSignal {
  const controller = new AbortController();
  process.once('disconnect', () => {
    controller.abort(new CliError('INTERRUPTED', 'the supervisor is gone'));
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref();
  });
  return controller.signal;
}

async function readConfig(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new CliError('CONFIG_UNREADABLE', `cannot read ${path}: ${cause.message}`, 2);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError('CONFIG_UNREADABLE', `${path} is not JSON: ${(cause as Error).message}`, 2);
  }
}

function applicationOf(
  application: Application,
  value: unknown,
): {
  readonly config: CommonConfig;
  readonly start: (
    id: number,
    signal: AbortSignal,
    ibverbs: IbverbsFabric | undefined,
    made: (replica: ControlledReplica) => void,
  ) => Promise<RunningReplica>;
} {
  if (application === 'kv') {
    const config = parseKvConfig(value);
    return {
      config,
      start: (id, signal, ibverbs, made) => runKvReplica(config, id, signal, ibverbs, made),
    };
  }
  try {
    const config = parseClusterConfig(value);
    return {
      config,
      start: (id, signal, ibverbs, made) =>
        runRedisReplica({
          config,
          id,
          signal,
          ...(ibverbs === undefined ? {} : { ibverbs }),
          createReplica: (...described) => {
            const replica = createReplica(...described);
            made(replica);
            return replica;
          },
        }),
    };
  } catch (error) {
    if (!(error instanceof ClusterConfigError)) throw error;
    throw new CliError(error.code, error.message, 2, { cause: error });
  }
}
