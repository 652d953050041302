import table from '../../data/commands-7.0.15.json' with { type: 'json' };
import type { Request } from '../resp/request.js';

/** What we do with a command; the meaning of each is in README.md. */
export type Treatment =
  | 'write'
  | 'ttl'
  | 'streamId'
  | 'pop'
  | 'read'
  | 'deadlineRead'
  | 'keyspaceRead'
  | 'connection'
  | 'transaction'
  | 'composed'
  | 'local'
  | 'refused';

/** Where keys stand among the arguments, as COMMAND's key specifications say. */
export type KeySpec = readonly (string | number | readonly (string | number)[])[];

/** One command or subcommand (`client|setname`) of redis-server 7.0.15. */
export interface CommandSpec {
  /** Position in the table: how log entries name the command. */
  readonly index: number;
  readonly name: string;
  readonly arity: number;
  readonly flags: string;
  readonly keys: readonly KeySpec[];
  readonly treatment: Treatment;
  readonly subcommands: ReadonlyMap<string, CommandSpec> | undefined;
}

/** The checked-in rows as published: names, arities, flags, keys and treatments. */
export const commandRows = table;

export const commandSpecs: readonly CommandSpec[] = commandRows.map((row, index) => ({
  index,
  name: row.name,
  arity: row.arity,
  flags: row.flags,
  keys: row.keys ?? [],
  treatment: row.treatment as Treatment,
  subcommands: subcommandsOf(row.name),
}));

function subcommandsOf(name: string): Map<string, CommandSpec> | undefined {
  return commandRows.some((row) => row.name.startsWith(`${name}|`)) ? new Map() : undefined;
}

const byName = new Map<string, CommandSpec>();
for (const spec of commandSpecs) {
  const [parent, child] = spec.name.split('|') as [string, string?];
  if (child === undefined) {
    byName.set(spec.name, spec);
    byName.set(spec.name.toUpperCase(), spec);
  } else (byName.get(parent)!.subcommands as Map<string, CommandSpec>).set(child, spec);
}

/** The command a request names, down to its subcommand; otherwise the error Redis answers. */
export function findCommand(request: Request): CommandSpec | string {
  const name = request.text(0);
  const spec = byName.get(name) ?? byName.get(name.toLowerCase());
  if (spec === undefined) return unknownCommand(request);
  if (spec.subcommands === undefined || request.argc < 2) return arityError(spec, request) ?? spec;
  const subcommand = spec.subcommands.get(request.text(1).toLowerCase());
  if (subcommand === undefined) {
    return `ERR unknown subcommand '${request.text(1).slice(0, 128)}'. Try ${spec.name.toUpperCase()} HELP.`;
  }
  return arityError(subcommand, request) ?? subcommand;
}

function arityError(spec: CommandSpec, request: Request): string | undefined {
  const fits = spec.arity > 0 ? request.argc === spec.arity : request.argc >= -spec.arity;
  return fits ? undefined : `ERR wrong number of arguments for '${spec.name}' command`;
}

function unknownCommand(request: Request): string {
  let args = '';
  for (let index = 1; index < request.argc && args.length < 128; index++) {
    args += `'${request.text(index).slice(0, 128 - args.length)}' `;
  }
  return `ERR unknown command '${request.text(0).slice(0, 128)}', with args beginning with: ${args}`;
}

/** How errors and people write a command: `CLIENT SETNAME`. */
export function displayName(spec: CommandSpec): string {
  return spec.name.replace('|', ' ').toUpperCase();
}

/** Whether a command only reads, so that any replica can execute it. */
export function onlyReads({ treatment }: CommandSpec): boolean {
  return !WRITES.has(treatment);
}

const WRITES: ReadonlySet<string> = new Set(['write', 'ttl', 'streamId', 'pop']);
