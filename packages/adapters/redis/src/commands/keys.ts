import { parseInteger } from '../resp/integer.js';
import type { Request } from '../resp/request.js';
import type { CommandSpec, KeySpec } from './table.js';

/** The keys a request touches, or `'unknown'` where only Redis itself could tell. */
export function keysOf(spec: CommandSpec, request: Request): Buffer[] | 'unknown' {
  const keys: Buffer[] = [];
  for (const keySpec of spec.keys) {
    const [kind, where, ...walk] = keySpec as [string, KeySpec[number], number, number, number];
    if (kind === 'unknown') return 'unknown';
    const begin =
      typeof where === 'number' ? where : findKeyword(request, where as [string, number]);
    if (begin === undefined || begin >= request.argc) continue;
    if (kind === 'range') walkRange(request, begin, walk, keys);
    else walkCount(request, begin, walk, keys);
  }
  return keys;
}

/** Index after the keyword, searched from an argument (from the end where negative). */
function findKeyword(request: Request, [keyword, from]: [string, number]): number | undefined {
  const start = from < 0 ? request.argc + from : from;
  for (let index = start; index < request.argc; index++) {
    if (request.text(index).toUpperCase() === keyword) return index + 1;
  }
  return undefined;
}

type Walk = readonly [number, number, number];

function walkRange(request: Request, begin: number, walk: Walk, keys: Buffer[]): void {
  const [last, step, limit] = walk;
  let end = last < 0 ? request.argc + last : begin + last;
  // A limit n means that the keys are the first 1/n of what follows, as in XREAD's STREAMS.
  if (last === -1 && limit > 1) end = begin + Math.floor((request.argc - begin) / limit) - 1;
  for (let index = begin; index <= end && index < request.argc; index += step) {
    keys.push(request.arg(index));
  }
}

function walkCount(request: Request, begin: number, walk: Walk, keys: Buffer[]): void {
  const [countIndex, first, step] = walk;
  const count = parseInteger(request.text(begin + countIndex)) ?? 0;
  for (let key = 0; key < count; key++) {
    const index = begin + first + key * step;
    if (index >= request.argc) return;
    keys.push(request.arg(index));
  }
}
