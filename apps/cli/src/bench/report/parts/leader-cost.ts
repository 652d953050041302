import type { LeaderCost, LeaderCostPlan } from '../../leader-cost.ts';
import { measureInProcess } from '../../measuring-process.ts';
import { linearFit, type LinearFit } from '../linear-fit.ts';
import type { Chart, Check, Part, Section } from '../part.ts';
import { bytes, digits, duration } from '../units.ts';

/** How what a proposal takes the leader grows with the group and the command. */
export function leaderCostPart(plan: LeaderCostPlan): Part<readonly LeaderCost[]> {
  return {
    name: 'leaderCost',
    units: plan.replicas.length * plan.payloads.length,
    secondsPerUnit: 4,
    measure(signal, done) {
      return measureInProcess<LeaderCostPlan, LeaderCost>('leader-cost', plan, signal, (one) =>
        done(`${one.replicas} replicas, ${bytes(one.payloadBytes)}`),
      );
    },
    show,
  };
}

function show(points: readonly LeaderCost[]): Section {
  const ours = fit(points, ({ proposalNs }) => proposalNs);
  const raw = fit(points, ({ rawNs }) => rawNs);
  return {
    title: 'Growth: what a proposal takes the leader',
    text: [
      'The whole group in one thread, over the same shared memory: the leader proposes half a mebibyte of commands, one by one, then everybody else replays them. Only the proposing is timed, so nobody waits for anybody, however few cores there are. Medians of blocks, in turns with the raw rounds.',
      describe('A proposal', ours),
      describe('A raw round', raw),
    ],
    checks: [linearity(ours, raw)],
    charts: [fitChart(points, ours)],
    tables: [
      {
        head: ['replicas', 'payload', 'proposal', 'line says', 'raw round', 'ratio'],
        rows: points.map((point) => [
          String(point.replicas),
          bytes(point.payloadBytes),
          duration(point.proposalNs),
          duration(ours.predict(inputsOf(point))),
          duration(point.rawNs),
          digits(point.proposalNs / point.rawNs),
        ]),
      },
    ],
  };
}

/** A constant, the peers, and the bytes that go to them. */
function inputsOf({ replicas, payloadBytes }: LeaderCost): number[] {
  const peers = replicas - 1;
  return [1, peers, peers * payloadBytes];
}

function fit(points: readonly LeaderCost[], y: (point: LeaderCost) => number): LinearFit {
  return linearFit(points.map((point) => ({ inputs: inputsOf(point), y: y(point) })));
}

function describe(what: string, { coefficients, rSquared, residualMax }: LinearFit): string {
  const [base, perPeer, perByte] = coefficients;
  return `${what} costs ${digits(base)} ns + ${digits(perPeer)} ns × peers + ${digits(perByte)} ns × peers × bytes: R² = ${rSquared.toFixed(3)}, the farthest point is ${digits(100 * residualMax)} % off.`;
}

function linearity(ours: LinearFit, raw: LinearFit): Check {
  const { rSquared, residualMedian, residualMax } = ours;
  return {
    what: 'Cost is linear in peers × bytes',
    measured: `R² ${rSquared.toFixed(3)}, points off the line by ${digits(100 * residualMedian)} % (median), ${digits(100 * residualMax)} % (most)`,
    limit: `raw R² ${raw.rSquared.toFixed(3)}`,
    goal: 'R² ≥ 0.95',
    met: rSquared >= 0.95,
  };
}

function fitChart(points: readonly LeaderCost[], ours: LinearFit): Chart {
  const sizes = [...new Set(points.map(({ replicas }) => replicas))];
  return {
    title: 'Cost by peers × bytes, and the line through it',
    x: { label: 'peers × bytes', log: true },
    y: { label: 'µs', log: true },
    series: sizes.flatMap((size, colour) => {
      const of = points.filter(({ replicas }) => replicas === size);
      const x = (point: LeaderCost): number => (point.replicas - 1) * point.payloadBytes;
      return [
        { name: `${size} replicas`, colour, points: of.map((point) => [x(point), point.proposalNs / 1e3] as const) },
        { name: `line, ${size}`, colour, broken: true, points: of.map((point) => [x(point), ours.predict(inputsOf(point)) / 1e3] as const) },
      ]; // prettier-ignore
    }),
  };
}
