// Rewrites data/commands-7.0.15.json and docs/commands.md from a live redis-server 7.0.15 and
// data/treatments.json: node scripts/generate-table.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { liveCommands } from './live-commands.mjs';
import { buildTable } from './table.mjs';
import { buildDocs } from './docs.mjs';

const at = (path) => new URL(`../${path}`, import.meta.url);
const { version, commands } = await liveCommands();
if (version !== '7.0.15')
  throw new Error(`the table is of redis-server 7.0.15, this is ${version}`);

const table = buildTable(commands, JSON.parse(readFileSync(at('data/treatments.json'), 'utf8')));
writeFileSync(at('data/commands-7.0.15.json'), table);
writeFileSync(at('docs/commands.md'), buildDocs(JSON.parse(table)));
