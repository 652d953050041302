/**
 * Reads a decimal integer as Redis's `string2ll` does: no sign but `-`, no spaces, no leading
 * zeros, within 64 bits. `undefined` where Redis would refuse; inexact beyond 2^53.
 */
export function parseInteger(text: string): number | undefined {
  if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = Number(text);
  if (text.length < 19) return value;
  const exact = BigInt(text);
  return exact >= -(1n << 63n) && exact < 1n << 63n ? value : undefined;
}

/** The non-negative length in a line of `bytes`, `undefined` where `string2ll` would refuse. */
export function lengthInLine(bytes: Buffer, start: number, end: number): number | undefined {
  // Almost all lengths are short and positive: read them without making a string.
  if (end - start > 9 || end === start) return parseInteger(bytes.toString('latin1', start, end));
  const first = bytes[start];
  if (first === 48) return end - start === 1 ? 0 : undefined;
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = bytes[index] - 48;
    if (digit < 0 || digit > 9) return parseInteger(bytes.toString('latin1', start, end));
    value = value * 10 + digit;
  }
  return value;
}
