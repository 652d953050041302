import { describe, expect, it } from 'vitest';
import { dirname, join, normalize } from 'node:path';
import { functionLengths } from './functions.ts';
import { MAY_IMPORT, SCOPE } from './layers.mjs';
import { unreachable } from './reachability.ts';
import { linesOf, listFiles, listPackages, manifestOf, read } from './repository.ts';

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;

const files = listFiles();
const packages = listPackages(files);
const isTest = (path: string): boolean => /\.test\.ts$|\/test\//.test(path);
const isTypeScript = (path: string): boolean => /\.(ts|mjs|js)$/.test(path);
const isCpp = (path: string): boolean => /\.(cc|h)$/.test(path);
const code = files.filter((path) => isTypeScript(path) || isCpp(path));
const libraries = code.filter((path) => /^packages\/.*\/src\//.test(path));
/** This file names what it forbids. */
const others = code.filter((path) => !path.startsWith('tooling/tidy/'));

/** `path:line` of every line of these files that the pattern matches. */
function where(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    linesOf(read(path)).flatMap((line, index) =>
      pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
    ),
  );
}

describe('files', () => {
  it(`are at most ${FILE_LINES_MAX} lines long`, () => {
    const long = code
      .map((path) => ({ path, lines: linesOf(read(path)).length }))
      .filter(({ lines }) => lines > FILE_LINES_MAX);
    expect(long).toEqual([]);
  });

  // Tests are exempt: a `describe` is one function around a whole list of cases.
  it(`have functions of at most ${FUNCTION_LINES_MAX} lines`, () => {
    const long = code
      .filter((path) => isTypeScript(path) && !isTest(path))
      .flatMap((path) => functionLengths(path, read(path)).map((one) => ({ path, ...one })))
      .filter(({ lines }) => lines > FUNCTION_LINES_MAX);
    expect(long).toEqual([]);
  });

  it('are named in kebab-case, C++ in snake_case', () => {
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*\.(ts|mjs|js)$/;
    const snake = /^[a-z0-9]+(_[a-z0-9]+)*\.(cc|h)$/;
    const misnamed = code.filter((path) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      return !(isCpp(path) ? snake : kebab).test(name);
    });
    expect(misnamed).toEqual([]);
  });

  it('carry no leftovers', () => {
    expect(where(others, /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
    expect(where(others, /@ts-(ignore|nocheck)|eslint-disable/)).toEqual([]);
    expect(where(others, /\.only\(/)).toEqual([]);
    // `skipIf(condition)`, `context.skip('reason')` and a title made of the reason say why.
    expect(
      where(others, /\b(it|test|describe)\.(todo|fails|skip(?!\(`[^`]*\$\{))\b|\.skip\(\s*\)/),
    ).toEqual([]);
    expect(where(libraries, /\bconsole\.log\b/)).toEqual([]);
  });

  it('know nothing of the directory they were written in', () => {
    const texts = files.filter((path) => !/\.lock$|^pnpm-lock/.test(path));
    const outside = /(^|[^\w.-])\/work\b|(^|[^\w-])(\.\.\/)?shared\/(design|apps)\b|\.\.\/shared\b/;
    expect(where(texts, outside).filter((hit) => !hit.startsWith('tooling/tidy/'))).toEqual([]);
  });
});

describe('packages', () => {
  it.each(packages)('%s has a README, a licence and a complete package.json', (folder) => {
    expect(files).toContain(`${folder}/README.md`);
    expect(files).toContain(`${folder}/LICENSE`);
    const manifest = manifestOf(folder);
    expect(manifest.name).toMatch(/^@mu-smr\/[a-z-]+$/);
    expect(manifest.license).toBe('MIT');
    expect(manifest.files).toContain('README.md');
    expect(manifest.files).toContain('LICENSE');
    expect(manifest.exports ?? manifest.bin).toBeDefined();
    expect(manifest.sideEffects).toBe(false);
    expect(manifest.engines?.node).toBe('>=20.17');
  });

  it.each(packages)('%s has no dead source file', (folder) => {
    expect(unreachable(folder, files)).toEqual([]);
  });

  it.each(packages)('%s depends on nothing above it', (folder) => {
    const layer = MAY_IMPORT.find((one) =>
      one.folder.endsWith('/*') ? dirname(folder) === dirname(one.folder) : one.folder === folder,
    );
    expect(layer, `${folder} has no place in layers.mjs`).toBeDefined();
    const { dependencies = {}, devDependencies = {} } = manifestOf(folder);
    const own = [...Object.keys(dependencies), ...Object.keys(devDependencies)]
      .filter((name) => name.startsWith(SCOPE))
      .map((name) => name.slice(SCOPE.length));
    expect(own.filter((name) => layer?.may.includes(name) !== true)).toEqual([]);
  });

  it('have no dead C++ header', () => {
    const cpp = code.filter(isCpp);
    const included = new Set(
      cpp.flatMap((path) =>
        [...read(path).matchAll(/#include "([^"]+)"/g)].map(([, name]) =>
          normalize(join(dirname(path), name)),
        ),
      ),
    );
    expect(cpp.filter((path) => path.endsWith('.h') && !included.has(path))).toEqual([]);
  });
});

describe('documents', () => {
  const documents = files.filter((path) => path.endsWith('.md'));

  it('link only to what is there', () => {
    const broken = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)]
        .map(([, target]) => normalize(join(dirname(path), target)).replace(/\/$/, ''))
        .filter((target) => !files.some((file) => file === target || file.startsWith(`${target}/`)))
        .map((target) => `${path} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('are there when a comment names them', () => {
    const missing = others.flatMap((path) =>
      linesOf(read(path))
        .filter((line) => /^\s*(\/\/|\*|\/\*\*)/.test(line))
        .flatMap((line) => [...line.matchAll(/[\w./-]+\.md\b/g)].map(([name]) => name))
        .filter((name) => !documents.some((one) => one === name || one.endsWith(`/${name}`)))
        .map((name) => `${path} → ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the tuning guide', () => {
  it('names every tunable with its default', () => {
    const [, defaults] = /DEFAULT_TUNING: Tuning = \{\n([\s\S]*?)\n\};/.exec(
      read('packages/consensus/src/limits.ts'),
    ) ?? ['', ''];
    const guide = read('docs/guides/tuning.md').replace(/ +/g, ' ');
    const rows = linesOf(defaults).map((line) => /^ {2}(\w+): (.*),$/.exec(line));
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) expect(guide).toContain(`| \`${row?.[1]}\` | \`${row?.[2]}\` |`);
  });
});

describe('functionLengths', () => {
  it('counts a function from its signature to its closing brace', () => {
    const text = 'const a = 1;\nfunction f(\n  x: number,\n): number {\n  return x;\n}\n';
    expect(functionLengths('f.ts', text)).toEqual([{ name: 'f', line: 2, lines: 5 }]);
  });
});
