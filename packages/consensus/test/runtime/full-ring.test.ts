import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PATH = new URL('./full-ring.mjs', import.meta.url).pathname;

describe('a ring that is full for the first time', () => {
  it('is no news to compiled code', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--trace-deopt', PATH]);
    const [before, after] = stdout.split('\nfull\n');
    // There was compiled code to throw away, and something in the way of the last proposal.
    expect(before).toContain('bailout');
    expect(after).toContain('rejected');
    expect(after.split('\n').filter((line) => line.includes('bailout'))).toEqual([]);
  });
});
