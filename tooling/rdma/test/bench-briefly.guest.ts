import { benchCases } from './bench-cases.ts';

// After so few proposals V8 has not finished with their path: seen were 1.7 to 1.9.
benchCases({ proposals: 500, trials: 1, ratioBelow: 2.5 });
