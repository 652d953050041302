/** What a thread runs that was built with a mutant: seeds, or a scenario, until a rule is broken. */
import { parentPort, workerData } from 'node:worker_threads';
import { InvariantViolation } from '../invariant-violation.ts';
import { runSeed } from '../run-seed.ts';
import * as scenarios from '../scenarios/index.ts';

/** What the thread is given. */
export interface Hunt {
  readonly scenario: keyof typeof scenarios | undefined;
  /** Rules whose violation ends the hunt; that of another is only remembered. */
  readonly seenBy: readonly string[];
  readonly secondsMax: number;
}

/** What it found, after the number of each seed it began; no invariant when nothing was broken. */
export interface Prey {
  readonly invariant: string | undefined;
  readonly seed: number;
  readonly seconds: number;
}

function hunt({ scenario, seenBy, secondsMax }: Hunt): Prey {
  const begin = performance.now();
  const seconds = (): number => Math.round(performance.now() - begin) / 1000;
  // A scenario is one seed that was made by hand.
  if (scenario !== undefined)
    return { invariant: violationOf(scenarios[scenario]), seed: 0, seconds: seconds() };
  let other: { readonly invariant: string; readonly seed: number } | undefined;
  for (let seed = 1; ; seed++) {
    parentPort?.postMessage(seed);
    const invariant = runSeed(seed, { faults: 'all' }).violation?.invariant;
    if (invariant !== undefined && seenBy.includes(invariant))
      return { invariant, seed, seconds: seconds() };
    if (invariant !== undefined) other ??= { invariant, seed };
    if (seconds() > secondsMax)
      return { invariant: other?.invariant, seed: other?.seed ?? seed, seconds: seconds() };
  }
}

function violationOf(scenario: () => void): string | undefined {
  try {
    scenario();
    return undefined;
  } catch (error) {
    return error instanceof InvariantViolation ? error.invariant : 'exception';
  }
}

parentPort?.postMessage(hunt(workerData as Hunt));
