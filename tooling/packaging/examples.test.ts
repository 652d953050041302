import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeBlocks, root, run, sortedLines } from './workspace.ts';

describe.each([
  ['log', 'entry.mjs'],
  ['consensus', 'counter.mjs'],
  ['simulation', 'ten-seeds.mjs'],
])('the README of %s', (name, example) => {
  const folder = join(root, 'packages', name);
  const readme = join(folder, 'README.md');

  it('shows the example as it stands in examples/', () => {
    const [first] = codeBlocks(readme, /^js$/);
    expect(first).toBe(readFileSync(join(folder, 'examples', example), 'utf8'));
  });

  it('shows what the example prints', async () => {
    const printed = await run(process.execPath, [join('examples', example)], folder);
    const [shown] = codeBlocks(readme, /^$/);
    if (shown !== undefined) expect(sortedLines(printed)).toEqual(sortedLines(shown));
  });
});
