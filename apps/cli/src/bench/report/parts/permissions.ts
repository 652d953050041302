import { measureInProcess } from '../../measuring-process.ts';
import type { SwitchCosts, SwitchPlan } from '../../permission-switches.ts';
import type { Part, Section } from '../part.ts';
import { bytes, duration } from '../units.ts';

const MECHANISMS = [
  ['flagsNs', 'access flags'],
  ['cycleNs', 'queue pair cycled'],
  ['registrationNs', 'region registered anew'],
  ['queryNs', 'limit: one crossing'],
] as const;

/** What it costs a replica to let another one write its log, by mechanism and size of the log. */
export function permissionsPart(plan: SwitchPlan): Part<readonly SwitchCosts[]> {
  return {
    name: 'permissions',
    units: plan.regionBytes.length,
    secondsPerUnit: 1,
    measure(signal, done) {
      return measureInProcess<SwitchPlan, SwitchCosts>('permission-switches', plan, signal, (one) =>
        done(`regions of ${bytes(one.regionBytes)}`),
      );
    },
    show,
  };
}

function show(costs: readonly SwitchCosts[]): Section {
  return {
    title: 'Permission switches',
    text: [
      'What it costs the owner of a log to change who may write it: by access flags, which is what a grant does; by a cycle of the queue pair, which a grant falls back to; and by registering the memory anew, as one would have to without either. Nobody writes meanwhile. On the shm provider only the last depends on the size of the region.',
    ],
    checks: [],
    charts: [
      {
        title: 'Median cost of a switch by size of the region',
        x: { label: 'MiB', log: true },
        y: { label: 'µs', log: true },
        series: MECHANISMS.map(([key, name], colour) => ({
          ...{ name, colour, broken: key === 'queryNs' },
          points: costs.map((one) => [one.regionBytes / 1024 ** 2, one[key].p50 / 1e3] as const),
        })),
      },
    ],
    tables: [
      {
        head: ['region', ...MECHANISMS.flatMap(([, name]) => [`${name} p50`, 'p99'])],
        rows: costs.map((one) => [
          bytes(one.regionBytes),
          ...MECHANISMS.flatMap(([key]) => [duration(one[key].p50), duration(one[key].p99)]),
        ]),
      },
    ],
  };
}
