import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandRows, commandSpecs, findCommand, displayName } from '../src/commands/table.js';
import { keysOf } from '../src/commands/keys.js';
import { Request } from '../src/resp/request.js';
import { RawClient } from './support/raw-client.js';
import { startSingle } from './support/redis.js';

const at = (path: string) => new URL(`../${path}`, import.meta.url);
const read = (path: string) => readFileSync(at(path), 'utf8');

describe('the command table', () => {
  it('is what the generator makes of a live server and the annotations', async () => {
    const { liveCommands } = await import(at('scripts/live-commands.mjs').href);
    const { buildTable } = await import(at('scripts/table.mjs').href);
    const { commands } = await liveCommands();
    expect(buildTable(commands, JSON.parse(read('data/treatments.json')))).toBe(
      read('data/commands-7.0.15.json'),
    );
  });

  it('is published in full', async () => {
    const { buildDocs } = await import(at('scripts/docs.mjs').href);
    expect(buildDocs(commandRows)).toBe(read('docs/commands.md'));
  });

  it('refuses by name what it does not support, and nothing else', async () => {
    await using single = await startSingle();
    const client = new RawClient(single.port);
    const silent = new Set(['quit', 'reset', 'multi', 'exec', 'discard', 'client|reply']);
    for (const spec of commandSpecs) {
      if (spec.subcommands !== undefined && spec.name !== 'command') continue;
      if (silent.has(spec.name)) continue;
      const words = spec.name.split('|');
      while (words.length < Math.abs(spec.arity)) words.push('1');
      const reply = await client.ask(words.join(' '));
      const refused = `-ERR ${displayName(spec)} is not supported by mu-redis\r\n`;
      if (spec.name === 'config|set')
        expect(reply).toBe('-ERR CONFIG parameter is managed by the replicator\r\n');
      else if (spec.treatment === 'refused') expect(reply).toBe(refused);
      else expect(reply).not.toMatch(/not supported|unknown command/);
    }
    client.close();
  });

  const KEYS: [string, string[] | 'unknown'][] = [
    ['GET a', ['a']],
    ['MSET a 1 b 2', ['a', 'b']],
    ['DEL a b c', ['a', 'b', 'c']],
    ['ZUNIONSTORE d 2 a b WEIGHTS 1 2', ['d', 'a', 'b']],
    ['SINTERCARD 2 a b LIMIT 1', ['a', 'b']],
    ['XREAD COUNT 1 STREAMS a b 0 0', ['a', 'b']],
    ['GEORADIUS a 1 2 3 km STORE d', ['a', 'd']],
    ['BITOP AND d a b', ['d', 'a', 'b']],
    ['SMOVE a b m', ['a', 'b']],
    ['OBJECT ENCODING a', ['a']],
    ['SORT a STORE d', 'unknown'],
    ['PING', []],
  ];
  for (const [line, keys] of KEYS) {
    it(`finds the keys of ${line}`, () => {
      const request = Request.of(...line.split(' '));
      const spec = findCommand(request);
      if (typeof spec === 'string') throw new Error(spec);
      const found = keysOf(spec, request);
      expect(found === 'unknown' ? found : found.map(String)).toEqual(keys);
    });
  }
});
