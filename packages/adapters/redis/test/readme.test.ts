import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const path = (name: string) => new URL(name, import.meta.url).pathname;

describe('README', () => {
  it('begins with an example that runs', async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(path('../README.md'), 'utf8'))![1];
    const directory = mkdtempSync(join(tmpdir(), 'mu-readme-'));
    const outfile = join(directory, 'example.mjs');
    try {
      await build({
        stdin: { contents: example, loader: 'ts', resolveDir: path('..') },
        alias: { '@mu-smr/adapter-redis': path('../src/index.ts') },
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
      });
      expect(execFileSync(process.execPath, [outfile], { encoding: 'utf8' })).toMatch(
        /^redis-cli -p \d+\n$/,
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
