import { undisturbed } from '../../propose-measurement.ts';
import { BLOCKS, measureRedis, TARGETS, type RedisFigures } from '../../redis/redis-measurement.ts';
import type { TargetName } from '../../redis/redis-targets.ts';
import { cdfCharts } from '../cdf.ts';
import type { Check, Part, Section } from '../part.ts';
import { digits, duration } from '../units.ts';

interface Setting {
  readonly clients: number;
  readonly pipeline: number;
}

interface Result extends Setting {
  readonly figures: Record<TargetName, RedisFigures>;
}

const PAYLOAD_BYTES = 64;
const NAMES: Readonly<Record<TargetName, string>> = {
  bare: 'redis-server',
  proxied: 'through the adapter',
  replicated: 'replicated by Mu',
  redisWait: 'redis-server, WAIT 1',
};

/** The same writes to a bare redis-server, through the adapter, replicated, and with WAIT 1. */
export function redisPart(plan: {
  readonly settings: readonly Setting[];
  readonly requests: number;
}): Part<readonly Result[]> {
  return {
    name: 'redis',
    units: plan.settings.length * BLOCKS,
    secondsPerUnit: 0.1 + plan.requests / 50_000,
    async measure(signal, done) {
      const results: Result[] = [];
      for (const setting of plan.settings) {
        const one = { ...setting, payloadBytes: PAYLOAD_BYTES };
        const figures = await undisturbed(
          () => measureRedis(one, plan.requests, signal, () => done(named(setting))),
          signal,
        );
        results.push({ ...setting, figures });
      }
      return results;
    },
    show,
  };
}

function named({ clients, pipeline }: Setting): string {
  return `${clients} ${clients === 1 ? 'client' : 'clients'}, ${pipeline} in flight`;
}

function show(results: readonly Result[]): Section {
  return {
    title: 'Redis',
    text: [
      'SETs of 64 B from one process, to four servers that run at the same time and take turns: a bare redis-server, the limit; the adapter before a redis-server without replication; the leader of three replicas, each with its redis-server; and a redis-server with two replicas where each write is followed by WAIT 1.',
    ],
    checks: results.flatMap(checksOf),
    charts: results.flatMap((result) =>
      cdfCharts(
        named(result),
        TARGETS.map((name, colour) => ({
          ...{ name: NAMES[name], colour, broken: name === 'bare' },
          distribution: result.figures[name].distribution,
        })),
      ),
    ),
    tables: [
      {
        head: ['', 'server', 'p50', 'p99', 'requests/s', 'p50, times the adapter’s'],
        rows: results.flatMap((result) =>
          TARGETS.map((name) => {
            const { p50Us, p99Us, opsPerSecond } = result.figures[name];
            const [p50, p99] = [duration(p50Us * 1e3), duration(p99Us * 1e3)];
            const ratio = digits(p50Us / result.figures.proxied.p50Us);
            return [named(result), NAMES[name], p50, p99, opsPerSecond.toFixed(0), ratio];
          }),
        ),
      },
    ],
  };
}

/** Goals are set for one client with one request in flight. */
function checksOf({ clients, pipeline, figures }: Result): Check[] {
  if (clients > 1 || pipeline > 1) return [];
  const { bare, proxied, replicated, redisWait } = figures;
  const ratio = replicated.p50Us / proxied.p50Us;
  const hop = proxied.p50Us - bare.p50Us;
  return [
    {
      what: 'Redis, one client: p50 replicated, times through the adapter',
      measured: digits(ratio),
      limit: '1',
      goal: '≤ 1.25',
      met: ratio <= 1.25,
    },
    {
      what: 'Redis, one client: p50 below WAIT 1 and the hop of the adapter',
      measured: duration(replicated.p50Us * 1e3),
      limit: `adapter ${duration(proxied.p50Us * 1e3)}`,
      goal: `≤ ${duration((redisWait.p50Us + hop) * 1e3)}`,
      met: replicated.p50Us <= redisWait.p50Us + hop,
    },
  ];
}
