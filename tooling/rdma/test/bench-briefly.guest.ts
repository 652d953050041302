import { benchCases } from './bench-cases.ts';

benchCases({ proposals: 500, trials: 1 });
