import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { huntMutants, MUTANTS } from '../../src/mutants/index.ts';

const PACKAGES = new URL('../../../', import.meta.url);

// `mu sim --mutants` hunts all of them; here is what is quick.
describe('mutants', () => {
  it('are twenty and more, each with a name of its own', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });

  it.each(MUTANTS)('$name: still has its place in the code', (mutant) => {
    for (const { file, find, replace } of [mutant, ...(mutant.also ?? [])]) {
      const source = readFileSync(new URL(file, PACKAGES), 'utf8');
      expect(source.split(find)).toHaveLength(2);
      expect(replace).not.toBe(find);
    }
  });

  // A checker that never fails proves nothing, and one that always fails no more.
  it('are caught, and code without a mutant is not', async () => {
    const harmless = { name: 'none', seenBy: [], file: MUTANTS[0].file, find: MUTANTS[0].find };
    const hunted = [MUTANTS[0], { ...harmless, replace: harmless.find }];
    const [caught, survived] = await huntMutants(hunted, { threads: 1, secondsMax: 5 });
    expect(caught).toMatchObject({ name: MUTANTS[0].name, caught: true, invariant: 'I1' });
    expect(survived).toMatchObject({ caught: false, seed: null, invariant: null });
  });

  it('a scenario shows one, too', async () => {
    const mutant = MUTANTS.find(({ scenario }) => scenario !== undefined);
    const [result] = await huntMutants(mutant === undefined ? [] : [mutant], {
      threads: 1,
      secondsMax: 5,
    });
    expect(result).toMatchObject({ caught: true, seed: 0 });
  });
});
