import { RedisAdapterError } from '../errors.js';
import { commandSpecs } from './table.js';

/** What the check needs of one row of COMMAND: name, arity, flags, subcommands. */
export interface LiveCommand {
  readonly name: string;
  readonly arity: number;
  readonly flags: readonly string[];
}

/** Refuses a server whose commands are not those our table classifies. */
export function crossCheck(live: readonly LiveCommand[]): void {
  const expected = new Map(commandSpecs.map((spec) => [spec.name, `${spec.arity} ${spec.flags}`]));
  const different: string[] = [];
  for (const { name, arity, flags } of live) {
    const mine = expected.get(name);
    expected.delete(name);
    if (mine !== `${arity} ${[...flags].sort().join(' ')}`) different.push(name);
  }
  different.push(...expected.keys());
  if (different.length === 0) return;
  throw new RedisAdapterError(
    'REDIS_COMMAND_TABLE',
    `the commands of this redis-server differ from 7.0.15: ${different.sort().join(', ')}`,
  );
}
