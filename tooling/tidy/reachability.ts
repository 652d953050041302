import { dirname, join } from 'node:path';
import ts from 'typescript';
import { read } from './repository.ts';

/** What a package's tsup.config.ts builds from: its entry points. */
export function entryPoints(folder: string): string[] {
  const config = read(`${folder}/tsup.config.ts`);
  return [...config.matchAll(/'(src\/[^']+\.ts)'/g)].map(([, path]) => `${folder}/${path}`);
}

/** The source files of a package that nothing reaches from its entry points. */
export function unreachable(folder: string, files: readonly string[]): string[] {
  const sources = new Set(
    files.filter((path) => path.startsWith(`${folder}/src/`) && path.endsWith('.ts')),
  );
  const waiting = entryPoints(folder);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (!sources.delete(path)) continue;
    for (const { fileName } of ts.preProcessFile(read(path), true, true).importedFiles)
      if (fileName.startsWith('.'))
        // Some packages name the file that stands there, others the one that is built from it.
        waiting.push(join(dirname(path), fileName).replace(/\.js$/, '.ts'));
  }
  return [...sources].sort();
}
