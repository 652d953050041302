import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildMutant } from './build-mutant.ts';
import type { Hunt, Prey } from './hunt.ts';
import type { Mutant } from './mutant.ts';

/** A seed takes a tenth of a second: one that takes so long never ends. */
const HANG_SECONDS = 10;

/** What became of one mutant. */
export interface MutantResult {
  readonly name: string;
  /** Whether a checker that should saw it. */
  readonly caught: boolean;
  /** The seed that shows it; 0 for a scenario, null when it survived. */
  readonly seed: number | null;
  readonly seconds: number;
  /** The rule that was broken first; null when none was. */
  readonly invariant: string | null;
}

export interface HuntOptions {
  /** How many mutants are hunted at a time. */
  readonly threads: number;
  /** How long one is hunted at most. */
  readonly secondsMax: number;
}

/**
 * Plants each mutant in turn and runs seeds until a checker sees it. Results are in the order of the
 * mutants; `onResult` is called as they come. Needs a clone of the repository.
 */
export async function huntMutants(
  mutants: readonly Mutant[],
  { threads, secondsMax }: HuntOptions,
  onResult: (result: MutantResult) => void = () => undefined,
): Promise<MutantResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mu-mutants-'));
  const results: MutantResult[] = [];
  let next = 0;
  const serve = async (): Promise<void> => {
    while (next < mutants.length) {
      const index = next++;
      const file = join(folder, `${index}.mjs`);
      const result = await huntOne(mutants[index], file, secondsMax);
      results[index] = result;
      onResult(result);
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, serve));
  } finally {
    await rm(folder, { recursive: true });
  }
  return results;
}

async function huntOne(mutant: Mutant, file: string, secondsMax: number): Promise<MutantResult> {
  await buildMutant(mutant, file);
  const { name, seenBy, scenario } = mutant;
  const hunt: Hunt = { scenario, seenBy, secondsMax };
  const worker = new Worker(file, { workerData: hunt });
  const prey = await preyOf(worker);
  await worker.terminate();
  const { invariant, seconds } = prey;
  const caught = invariant !== undefined && seenBy.includes(invariant);
  const seed = invariant === undefined ? null : prey.seed;
  return { name, caught, seed, seconds, invariant: invariant ?? null };
}

/** What the thread found; `hang` when a step of a replica does not end. */
async function preyOf(worker: Worker): Promise<Prey> {
  for (let seed = 0, begin = performance.now(); ;) {
    const signal = AbortSignal.timeout(HANG_SECONDS * 1000);
    try {
      const [message] = (await once(worker, 'message', { signal })) as [Prey | number];
      if (typeof message !== 'number') return message;
      seed = message;
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
      const seconds = Math.round(performance.now() - begin) / 1000;
      return { invariant: 'hang', seed, seconds };
    }
  }
}
