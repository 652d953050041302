import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../scripts/test-native.mjs', import.meta.url));
const native = fileURLToPath(new URL('../native', import.meta.url));
const hasCompiler = spawnSync('make', ['--version']).status === 0;
const problem =
  process.platform !== 'linux' ? 'needs Linux' : hasCompiler ? undefined : 'needs make and g++';

/** native/test: a writer stopped between any two bytes, killed writers, full file systems, rings. */
describe.skipIf(problem !== undefined)(`native tests${problem ? `: ${problem}` : ''}`, () => {
  const lines: string[] = [];

  it('builds, runs, and every test holds', { timeout: 240_000 }, () => {
    const run = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 230_000 });
    lines.push(...run.stdout.split('\n'));
    const failed = lines.filter((line) => line.startsWith('FAILED'));
    expect(failed, run.stderr).toEqual([]);
    expect(run.status, run.stderr).toBe(0);
    for (const skipped of lines.filter((line) => line.startsWith('skipped'))) console.log(skipped);
  });

  it("leaves the ibverbs provider out where libibverbs' headers are missing", () => {
    const build = ['--dry-run', '--always-make', 'addon', 'CXX=c++ -nostdinc'];
    const plan = spawnSync('make', build, { cwd: native, encoding: 'utf8' });
    expect(plan.stdout).toContain('addon.cc');
    expect(plan.stdout).not.toContain('-DMU_IBVERBS');
  });

  it('stopped a writer everywhere', () => {
    const held = lines.filter((line) => line.startsWith('ok')).map((line) => line.slice(9));
    expect(held.filter((title) => title.startsWith('a writer stopped anywhere'))).toHaveLength(2);
  });
});
