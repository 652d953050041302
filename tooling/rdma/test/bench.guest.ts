import { benchCases } from './bench-cases.ts';

benchCases({ proposals: 2000, trials: 2, ratioBelow: 1.25 });
