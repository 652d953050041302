import { benchCases } from './bench-cases.ts';

// After so few proposals V8 has not finished with their path; more took
// too long on a busy machine. Seen were 1.9 to 2.2, where the measurement of `bench` gives 1.15.
benchCases({ proposals: 250, trials: 1, ratioBelow: 3 });
