import { environment } from '../bench/environment.ts';
import type { ClientPlan } from '../bench/redis/pipelined-client.ts';
import { BLOCKS, measureRedis, type RedisFigures } from '../bench/redis/redis-measurement.ts';
import type { TargetName } from '../bench/redis/redis-targets.ts';
import { interruption } from '../interruption.ts';
import { wholeNumber } from '../output/numbers.ts';
import { progress } from '../output/progress.ts';

export interface BenchRedisOptions {
  readonly clients: string;
  readonly pipeline: string;
  readonly payload: string;
  readonly requests: string;
  readonly json?: boolean;
}

/** `mu bench redis`: exit status 0 only when every write was acknowledged and is there. */
export async function benchRedis(options: BenchRedisOptions): Promise<number> {
  const plan = {
    clients: wholeNumber('clients', options.clients, 1, 1000),
    pipeline: wholeNumber('pipeline', options.pipeline, 1, 10_000),
    payloadBytes: wholeNumber('payload', options.payload, 0, 128 * 1024),
  };
  const requests = wholeNumber('requests', options.requests, BLOCKS, 1e9);
  const signal = interruption();
  const show = progress();
  const figures = await measureRedis(plan, requests, signal, (block) =>
    show(`block ${block} of ${BLOCKS}`),
  );
  show();
  const report = reportOf(figures, plan, requests);
  if (options.json === true) console.log(JSON.stringify(report));
  else print(report);
  return 0;
}

function reportOf(figures: Record<TargetName, RedisFigures>, plan: ClientPlan, requests: number) {
  const { bare, proxied, replicated, redisWait } = figures;
  const printed = ({ p50Us, p99Us, opsPerSecond }: RedisFigures) => ({
    p50Us,
    p99Us,
    opsPerSecond,
  });
  return {
    bench: 'redis',
    ...plan,
    requests,
    bare: printed(bare),
    proxied: printed(proxied),
    replicated: printed(replicated),
    addedByReplicationUs: replicated.p50Us - proxied.p50Us,
    ratioToProxied: replicated.p50Us / proxied.p50Us,
    redisWait: printed(redisWait),
    ...environment(),
  };
}

function print(report: ReturnType<typeof reportOf>): void {
  const line = (
    name: string,
    { p50Us, p99Us, opsPerSecond }: ReturnType<typeof reportOf>['bare'],
  ): string =>
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
