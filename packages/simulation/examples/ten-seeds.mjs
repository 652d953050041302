// Ten clusters in virtual time, with faults, every invariant checked after each step.
import { simulate, traceOf } from '@mu-smr/simulation';

const report = simulate({ seeds: 10, first: 1, faults: 'all' }, (seed, steps, violation) =>
  console.log(`seed ${seed}: ${steps} steps, ${violation ?? 'all invariants hold'}`),
);

// A seed is the whole test case: run it again and it fails at the same step.
for (const { seed } of report.violations) console.log(traceOf(seed).slice(-20).join('\n'));
process.exitCode = report.violations.length;
