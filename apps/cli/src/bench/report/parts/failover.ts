import { percentile } from '../../../output/numbers.ts';
import { runTrial, spansOf, type Spans, type Trial } from '../../failover-trial.ts';
import type { Chart, Check, Part, Section } from '../part.ts';
import { duration } from '../units.ts';

interface Kind {
  readonly kind: 'kill' | 'pause';
  readonly trials: number;
  readonly spansUs: Spans;
  readonly lostAcknowledged: number;
  readonly duplicated: number;
  readonly falseSuspicions: number;
}

const GOALS_US = { kill: 600, pause: 1500 } as const;
/** Names of the parts of a fail-over, and their colours. */
const NAMES: readonly (readonly [keyof Spans, string])[] = [
  ['total', 'total'],
  ['detection', 'detection'],
  ['permission', 'permission'],
  ['catchUp', 'catching up'],
  ['firstCommand', 'first command'],
];

/** Fail-overs of a group that writes: distributions, split in their parts. */
export function failoverPart(plan: { readonly trials: number }): Part<readonly Kind[]> {
  return {
    name: 'failover',
    units: 2 * plan.trials,
    secondsPerUnit: 2.5,
    async measure(signal, done) {
      const kinds: Kind[] = [];
      for (const kind of ['kill', 'pause'] as const) {
        const trials: Trial[] = [];
        while (trials.length < plan.trials) {
          trials.push(await runTrial(kind, signal));
          done(`${kind} ${trials.length}`);
        }
        const sum = (of: 'lostAcknowledged' | 'duplicated' | 'falseSuspicions'): number =>
          trials.reduce((all, trial) => all + trial[of], 0);
        kinds.push({
          kind,
          trials: trials.length,
          spansUs: spansOf(trials),
          lostAcknowledged: sum('lostAcknowledged'),
          duplicated: sum('duplicated'),
          falseSuspicions: sum('falseSuspicions'),
        });
      }
      return kinds;
    },
    show,
  };
}

function show(kinds: readonly Kind[]): Section {
  return {
    title: 'Fail-over',
    text: [
      'Three replicas; the leader writes, and is killed (SIGKILL) or paused (SIGSTOP). Measured from the signal to the first command decided by the new leader. Detection ends with the suspicion, permission with the last grant that was waited for, catching up when the new leader has all that may be decided. The machine’s own limit is the wake-up of a thread: docs/guides/performance.md.',
    ],
    checks: kinds.flatMap(checksOf),
    charts: kinds.map(chartOf),
    tables: [
      {
        head: ['', 'trials', 'total p50', 'p99', 'max', ...NAMES.slice(1).map(([, name]) => `${name} p50`)], // prettier-ignore
        rows: kinds.map(({ kind, trials, spansUs }) => [
          kind,
          String(trials),
          ...[50, 99, 100].map((p) => duration(percentile(spansUs.total, p) * 1e3)),
          ...NAMES.slice(1).map(([part]) => duration(percentile(spansUs[part], 50) * 1e3)),
        ]),
      },
    ],
  };
}

function checksOf(one: Kind): Check[] {
  const { kind, spansUs, lostAcknowledged, duplicated, falseSuspicions } = one;
  const p50 = percentile(spansUs.total, 50);
  const wrong = lostAcknowledged + duplicated;
  return [
    {
      what: `Fail-over by ${kind}: p50`,
      measured: duration(p50 * 1e3),
      limit: `detection alone ${duration(percentile(spansUs.detection, 50) * 1e3)}`,
      goal: `≤ ${duration(GOALS_US[kind] * 1e3)}`,
      met: p50 <= GOALS_US[kind],
    },
    {
      what: `Fail-over by ${kind}: lost, applied twice, false suspicions`,
      measured: `${lostAcknowledged}, ${duplicated}, ${falseSuspicions}`,
      limit: '0, 0, 0',
      goal: 'none lost or twice',
      met: wrong === 0,
    },
  ];
}

function chartOf({ kind, trials, spansUs }: Kind): Chart {
  return {
    title: `Fail-over by ${kind}`,
    x: { label: 'ms', log: true },
    y: { label: '% no longer' },
    series: NAMES.map(([part, name], colour) => ({
      ...{ name, colour, broken: part !== 'total' },
      points: [...spansUs[part]]
        .sort((a, b) => a - b)
        // A step that was over before the clock could tell has no place on a logarithmic axis.
        .map((us, n) => [Math.max(us, 1) / 1e3, (100 * (n + 1)) / trials] as const),
    })),
  };
}
