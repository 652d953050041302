/** Commands in one entry: each as u32 length and bytes, padded so that lengths are aligned. */

/** Bytes a command takes in a batch. */
export function batchedBytes(commandBytes: number): number {
  return (4 + commandBytes + 3) & ~3;
}

/** Appends one command at byte `at` of `bytes`; returns where the next one goes. */
export function appendToBatch(bytes: Uint8Array, at: number, command: Uint8Array): number {
  const length = command.length;
  bytes[at] = length & 0xff;
  bytes[at + 1] = (length >>> 8) & 0xff;
  bytes[at + 2] = (length >>> 16) & 0xff;
  bytes[at + 3] = length >>> 24;
  bytes.set(command, at + 4);
  return at + batchedBytes(length);
}
