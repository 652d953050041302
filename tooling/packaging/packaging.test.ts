import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks, pnpm, root, run } from './workspace.ts';

/** The layers, lowest first. */
const LAYERS = ['verbs', 'log', 'consensus'] as const;
type Layer = (typeof LAYERS)[number];

const directory = mkdtempSync(join(tmpdir(), 'mu-packaging-'));
const tarballs = new Map<Layer, string>();

beforeAll(async () => {
  for (const layer of LAYERS) {
    const before = readdirSync(directory);
    // pnpm replaces `workspace:` versions, as it does when it publishes.
    await pnpm(['pack', '--pack-destination', directory], join(root, 'packages', layer));
    const packed = readdirSync(directory).filter((name) => !before.includes(name));
    expect(packed).toHaveLength(1);
    tarballs.set(layer, join(directory, packed[0]));
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function contents(layer: Layer): Promise<string[]> {
  const listing = await run('tar', ['-tzf', tarballs.get(layer) ?? ''], directory);
  return listing
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''))
    .filter((path) => !path.endsWith('/'));
}

describe('the tarball', () => {
  it.each(LAYERS)('of %s holds what a user needs, and nothing else', async (layer) => {
    const files = await contents(layer);
    for (const needed of ['package.json', 'README.md', 'LICENSE', 'dist/index.js'])
      expect(files).toContain(needed);
    expect(files).toContain('dist/index.d.ts');
    const allowed =
      /^(dist|native|prebuilds)\/|^(package\.json|README\.md|LICENSE|scripts\/build-native\.mjs)$/;
    expect(files.filter((path) => !allowed.test(path))).toEqual([]);
    expect(files.filter((path) => /(^|\/)tests?\/|\.test\.|\.o$|native\/build/.test(path))).toEqual(
      [],
    );
  });

  it('of verbs holds the addon, and its sources for other machines', async () => {
    const files = await contents('verbs');
    expect(files).toContain(`prebuilds/${process.platform}-${process.arch}/mu_verbs.node`);
    expect(files).toContain('native/Makefile');
    expect(files).toContain('native/addon.cc');
    expect(files).toContain('scripts/build-native.mjs');
  });
});

/** An empty project with these tarballs and whatever the registry has for them. */
async function project(layers: readonly Layer[]): Promise<string> {
  const folder = mkdtempSync(join(directory, 'project-'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const files = layers.map((layer) => tarballs.get(layer) ?? '');
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await run('npm', ['install', ...quiet, ...files], folder);
  return folder;
}

describe('installed alone in an empty project', () => {
  it.each([
    ['verbs', ['verbs']],
    ['log', ['verbs', 'log']],
    ['consensus', ['verbs', 'log', 'consensus']],
  ] as const)('%s runs the example of its README', async (layer, layers) => {
    const folder = await project(layers);
    const installed = join(folder, 'node_modules/@mu-smr', layer);
    const [example] = codeBlocks(join(installed, 'README.md'), /^(js|ts)$/);
    writeFileSync(join(folder, 'example.mjs'), example);
    expect(await run(process.execPath, ['example.mjs'], folder)).not.toBe('');
  });

  it('verbs says what to do on a machine for which there is no addon', async () => {
    const folder = await project(['verbs']);
    const ask = `
      Object.defineProperty(process, 'arch', { value: 'riscv64' });
      const { bindingProblem, SimFabric } = await import('@mu-smr/verbs');
      console.log(bindingProblem());
      console.log(typeof SimFabric);`;
    const said = await run(process.execPath, ['--input-type=module', '-e', ask], folder);
    expect(said).toContain('load: ENOSYS (no native addon for linux-riscv64');
    expect(said).toContain('npm run build:native');
    expect(said).toContain('function');
  });
});
