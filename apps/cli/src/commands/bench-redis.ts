import { build } from 'hdr-histogram-js';
import { environment } from '../bench/environment.ts';
import { PipelinedClient, type ClientPlan } from '../bench/redis/pipelined-client.ts';
import { keyCount, RedisTargets, type TargetName } from '../bench/redis/redis-targets.ts';
import { CliError } from '../errors.ts';
import { interruption, unlessAborted } from '../interruption.ts';
import { wholeNumber } from '../output/numbers.ts';

export interface BenchRedisOptions {
  readonly clients: string;
  readonly pipeline: string;
  readonly payload: string;
  readonly requests: string;
  readonly json?: boolean;
}

interface Figures {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly opsPerSecond: number;
}

const TARGETS = ['bare', 'proxied', 'replicated', 'redisWait'] as const;
/** The targets take turns, so that the machine's noise hits all of them. */
const BLOCKS = 20;
const WARM_UP_MAX = 2000;

/** `mu bench redis`: exit status 0 only when every write was acknowledged and is there. */
export async function benchRedis(options: BenchRedisOptions): Promise<number> {
  const plan = {
    clients: wholeNumber('clients', options.clients, 1, 1000),
    pipeline: wholeNumber('pipeline', options.pipeline, 1, 10_000),
    payloadBytes: wholeNumber('payload', options.payload, 0, 128 * 1024),
  };
  const requests = wholeNumber('requests', options.requests, BLOCKS, 1e9);
  const signal = interruption();
  const targets = new RedisTargets();
  try {
    const ports = await unlessAborted(targets.start(signal), signal);
    const figures = await unlessAborted(measure(ports, plan, requests), signal);
    targets.check();
    const report = reportOf(figures, plan, requests);
    if (options.json === true) console.log(JSON.stringify(report));
    else print(report);
    return 0;
  } finally {
    await targets.close();
  }
}

/** Runs the blocks of all targets in turn, A B C D A B C D. */
async function measure(
  ports: Record<TargetName, number>,
  plan: ClientPlan,
  requests: number,
): Promise<Record<TargetName, Figures>> {
  const runs = await Promise.all(
    TARGETS.map(async (name) => {
      const client = await PipelinedClient.connect(ports[name], plan, name === 'redisWait');
      return { name, client, latencies: histogram(), tookMs: 0 };
    }),
  );
  try {
    for (const { client } of runs) await client.run(Math.min(requests, WARM_UP_MAX), histogram());
    for (let block = 0; block < BLOCKS; block++) {
      const count = Math.floor(((block + 1) * requests) / BLOCKS) - Math.floor((block * requests) / BLOCKS); // prettier-ignore
      for (const run of runs) run.tookMs += await run.client.run(count, run.latencies);
      if (process.stderr.isTTY) process.stderr.write(`\rblock ${block + 1} of ${BLOCKS}`);
    }
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    for (const { name } of runs) await checkKeys(name, ports[name], plan, requests);
  } finally {
    for (const { client } of runs) client.close();
  }
  const figures = runs.map(({ name, latencies, tookMs }) => [
    name,
    {
      p50Us: latencies.getValueAtPercentile(50) / 1e3,
      p99Us: latencies.getValueAtPercentile(99) / 1e3,
      opsPerSecond: (requests / tookMs) * 1e3,
    },
  ]);
  return Object.fromEntries(figures) as Record<TargetName, Figures>;
}

/** Nanoseconds, up to a minute. */
function histogram() {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 6e10,
    numberOfSignificantValueDigits: 3,
  });
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

function reportOf(figures: Record<TargetName, Figures>, plan: ClientPlan, requests: number) {
  const { bare, proxied, replicated, redisWait } = figures;
  return {
    bench: 'redis',
    ...plan,
    requests,
    bare,
    proxied,
    replicated,
    addedByReplicationUs: replicated.p50Us - proxied.p50Us,
    ratioToProxied: replicated.p50Us / proxied.p50Us,
    redisWait,
    ...environment(),
  };
}

function print(report: ReturnType<typeof reportOf>): void {
  const line = (name: string, { p50Us, p99Us, opsPerSecond }: Figures): string =>
    `${name.padEnd(30)} p50 ${p50Us.toFixed(1)} µs, p99 ${p99Us.toFixed(1)} µs, ${opsPerSecond.toFixed(0)} requests/s`;
  console.log(
    [
      `${report.requests} SETs of ${report.payloadBytes} B each, ${report.clients} connections, ${report.pipeline} in flight on each`,
      line('bare redis-server', report.bare),
      line('through the adapter', report.proxied),
      line('replicated by Mu, 3 replicas', report.replicated),
      line('redis-server with WAIT 1', report.redisWait),
      `replication adds ${report.addedByReplicationUs.toFixed(1)} µs to the adapter: ${report.ratioToProxied.toFixed(2)} ×`,
      `${report.cpu}, Node ${report.node}, commit ${report.commit}`,
    ].join('\n'),
  );
}
