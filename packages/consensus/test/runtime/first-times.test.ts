import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const PATH = new URL('./first-times.mjs', import.meta.url).pathname;

/** Compiled code that was thrown away. */
const bailouts = (trace: string): string[] =>
  trace.split('\n').filter((line) => line.includes('bailout'));

describe('what a replica does for the first time long after its start', () => {
  let compiling = '';
  let long = '';
  let full = '';
  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--trace-deopt', PATH]);
    [compiling, long, full] = stdout.split(/\nlong\n|\nfull\n/);
    // There was compiled code to throw away.
    expect(bailouts(compiling)).not.toEqual([]);
  });

  it('is no news to compiled code: a command longer than any before', () => {
    expect(long).toContain('decided');
    expect(bailouts(long)).toEqual([]);
  });

  it('is no news to compiled code: a ring that is full', () => {
    expect(full).toContain('rejected');
    expect(bailouts(full)).toEqual([]);
  });
});
