import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { distProblem } from './compliance/peer-client.ts';
import { shmProblem } from './compliance/shm-harness.ts';

const example = fileURLToPath(new URL('../example/loopback.mjs', import.meta.url));
const readme = fileURLToPath(new URL('../README.md', import.meta.url));
const problem = shmProblem ?? distProblem;

describe('README.md', () => {
  it('shows example/loopback.mjs as it is', () => {
    expect(readFileSync(readme, 'utf8')).toContain(readFileSync(example, 'utf8').trim());
  });

  it.skipIf(problem !== undefined)(
    `has an example that runs${problem ? `: ${problem}` : ''}`,
    () => {
      const run = spawnSync(process.execPath, [example], { encoding: 'utf8' });
      expect(run.stderr).toBe('');
      expect(run.stdout).toBe(
        'success hello\nremoteInvalidRequest hello\nworkRequestFlushed error\n',
      );
      expect(run.status).toBe(0);
    },
  );
});
