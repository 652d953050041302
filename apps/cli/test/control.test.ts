import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askControl, serveControl, type Controlled } from '../src/group/control.ts';

const controlled: Controlled = {
  status: () => ({ status: {}, timeline: [] }) as unknown as ReturnType<Controlled['status']>,
  remove: () => Promise.reject(new Error('not asked here')),
  transfer: () => Promise.reject(new Error('not asked here')),
};

// Replicas of one group start while others, which could not, remove the directory they had in common.
it('serves in a directory that another process removes again and again', async () => {
  const home = mkdtempSync(join(tmpdir(), 'mu-control-'));
  const directory = join(home, 'group');
  const remover = spawn(
    process.execPath,
    [
      '-e',
      `const { rmdirSync } = require('node:fs');
      console.log('ready');
      setInterval(() => { try { rmdirSync(process.argv[1]); } catch {} }, 1);`,
      directory,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    await once(remover.stdout, 'data');
    for (let start = 0; start < 1000; start++) {
      const path = join(directory, `control-${start}.sock`);
      const server = await serveControl(path, controlled);
      expect(await askControl(path)).toEqual({ status: {}, timeline: [] });
      server.close();
    }
  } finally {
    remover.kill();
    await once(remover, 'exit');
    rmSync(home, { recursive: true, force: true });
  }
}, 60_000);
