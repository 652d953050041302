/** A command of the simulator: a number that no other command has, and bytes that follow from it. */
const HEAD_BYTES = 8;

export const COMMAND_BYTES_MIN = HEAD_BYTES;

/** Number of the command without bytes, which is proposed again and again. */
export const EMPTY_COMMAND = 0;

export function makeCommand(id: number, bytes: number): Uint8Array {
  if (id === EMPTY_COMMAND) return new Uint8Array(0);
  const command = new Uint8Array(Math.max(bytes, HEAD_BYTES));
  const view = new DataView(command.buffer);
  view.setUint32(0, id, true);
  view.setUint32(4, ~id >>> 0, true);
  // Never zero, so that bytes which were not cleared are seen.
  for (let at = HEAD_BYTES; at < command.length; at++)
    command[at] = ((id * 31 + at * 7) & 0xff) | 1;
  return command;
}

/** The command's number; throws when the bytes are not those of one. */
export function commandId(command: Uint8Array): number {
  if (command.length === 0) return EMPTY_COMMAND;
  const view = new DataView(command.buffer, command.byteOffset, command.byteLength);
  const id = view.getUint32(0, true);
  const expected = makeCommand(id, command.length);
  if (!command.every((byte, at) => byte === expected[at]))
    throw new Error(`these ${command.length} bytes are no command that was ever proposed`);
  return id;
}
