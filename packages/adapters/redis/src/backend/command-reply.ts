import type { LiveCommand } from '../commands/cross-check.js';

type Value = string | number | null | Value[];

/** Decodes a small RESP2 reply of our own questions; client replies are never decoded. */
export function decodeReply(reply: Buffer): Value {
  let position = 0;
  const read = (): Value => {
    const lineEnd = reply.indexOf('\r\n', position);
    const type = String.fromCharCode(reply[position]);
    const line = reply.toString('latin1', position + 1, lineEnd);
    position = lineEnd + 2;
    if (type === '+' || type === '-') return line;
    const count = Number(line);
    if (type === ':') return count;
    if (count < 0) return null;
    if (type === '*') return Array.from({ length: count }, read);
    const text = reply.toString('latin1', position, position + count);
    position += count + 2;
    return text;
  };
  return read();
}

/** The rows of COMMAND, subcommands included. */
export function parseCommandReply(reply: Buffer): LiveCommand[] {
  const commands: LiveCommand[] = [];
  const add = (row: Value) => {
    const [name, arity, flags, , , , , , , subcommands] = row as Value[];
    commands.push({ name: name as string, arity: arity as number, flags: flags as string[] });
    for (const subcommand of subcommands as Value[]) add(subcommand);
  };
  for (const row of decodeReply(reply) as Value[]) add(row);
  return commands;
}
