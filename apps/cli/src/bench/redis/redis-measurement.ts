import type { Histogram } from 'hdr-histogram-js';
import { CliError } from '../../errors.ts';
import { unlessAborted } from '../../interruption.ts';
import { distributionOf, latencyHistogram, type Distribution } from '../latency.ts';
import { PipelinedClient, type ClientPlan } from './pipelined-client.ts';
import { keyCount, RedisTargets, type TargetName } from './redis-targets.ts';

export interface RedisFigures {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly opsPerSecond: number;
  /** In nanoseconds. */
  readonly distribution: Distribution;
}

export const TARGETS = ['bare', 'proxied', 'replicated', 'redisWait'] as const;
/** The targets take turns, so that the machine's noise hits all of them. */
export const BLOCKS = 20;
const WARM_UP_MAX = 2000;

/** Starts the targets, measures them and ends them. Every acknowledged write must be there. */
export async function measureRedis(
  plan: ClientPlan,
  requests: number,
  signal: AbortSignal,
  blockDone: (block: number) => void,
): Promise<Record<TargetName, RedisFigures>> {
  const targets = new RedisTargets();
  try {
    const ports = await unlessAborted(targets.start(signal), signal);
    const figures = await unlessAborted(measure(ports, plan, requests, blockDone), signal);
    targets.check();
    return figures;
  } finally {
    await targets.close();
  }
}

/** Runs the blocks of all targets in turn, A B C D A B C D. */
async function measure(
  ports: Record<TargetName, number>,
  plan: ClientPlan,
  requests: number,
  blockDone: (block: number) => void,
): Promise<Record<TargetName, RedisFigures>> {
  const runs = await Promise.all(
    TARGETS.map(async (name) => {
      const client = await PipelinedClient.connect(ports[name], plan, name === 'redisWait');
      return { name, client, latencies: latencyHistogram(), tookMs: 0 };
    }),
  );
  try {
    for (const { client } of runs)
      await client.run(Math.min(requests, WARM_UP_MAX), latencyHistogram());
    for (let block = 0; block < BLOCKS; block++) {
      const count = Math.floor(((block + 1) * requests) / BLOCKS) - Math.floor((block * requests) / BLOCKS); // prettier-ignore
      for (const run of runs) run.tookMs += await run.client.run(count, run.latencies);
      blockDone(block + 1);
    }
    for (const { name } of runs) await checkKeys(name, ports[name], plan, requests);
  } finally {
    for (const { client } of runs) client.close();
  }
  const figures = runs.map(({ name, latencies, tookMs }) => [
    name,
    figuresOf(latencies, (requests / tookMs) * 1e3),
  ]);
  return Object.fromEntries(figures) as Record<TargetName, RedisFigures>;
}

function figuresOf(latencies: Histogram, opsPerSecond: number): RedisFigures {
  return {
    p50Us: latencies.getValueAtPercentile(50) / 1e3,
    p99Us: latencies.getValueAtPercentile(99) / 1e3,
    opsPerSecond,
    distribution: distributionOf(latencies),
  };
}

/** Every acknowledged write left its key. */
async function checkKeys(
  name: TargetName,
  port: number,
  { clients, pipeline }: ClientPlan,
  requests: number,
): Promise<void> {
  const share = Math.floor(requests / clients);
  const more = requests % clients;
  const expected = more * Math.min(pipeline, share + 1) + (clients - more) * Math.min(pipeline, share); // prettier-ignore
  const found = await keyCount(port);
  if (found < expected)
    throw new CliError('BENCH_FAILED', `${name} has ${found} keys of at least ${expected}`);
}
