import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as entry from './entry.ts';
import { buildSimulation } from './build-mutant.ts';
import { MUTANTS } from './mutants.ts';

const SECONDS_MAX = 40;
const SEEDS_MAX = 400;

// A checker that never fails proves nothing: each of these defects must be seen by some seed.
describe('mutants', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mu-mutants-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.each(MUTANTS)('$name', async (mutant) => {
    const file = join(folder, `${MUTANTS.indexOf(mutant)}.mjs`);
    await buildSimulation(mutant, file);
    const mutated = (await import(pathToFileURL(file).href)) as typeof entry;
    const { scenario } = mutant;
    const caught =
      scenario === undefined ? bySeeds(mutated) : violationOf(mutated.scenarios[scenario]);
    expect(mutant.seenBy).toContain(caught);
  });
});

/** The first invariant that any seed finds broken. */
function bySeeds({ runSeed }: typeof entry): string | undefined {
  const until = performance.now() + SECONDS_MAX * 1000;
  for (let seed = 1; seed <= SEEDS_MAX && performance.now() < until; seed++) {
    const { violation } = runSeed(seed, { faults: 'all' });
    if (violation !== undefined) return violation.invariant;
  }
  return undefined;
}

function violationOf(scenario: () => void): string | undefined {
  try {
    scenario();
    return undefined;
  } catch (error) {
    // Of another copy of the class: the mutant brought its own.
    return (error as { readonly invariant?: string }).invariant;
  }
}
