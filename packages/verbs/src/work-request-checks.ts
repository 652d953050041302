import { refuse } from './errors.ts';
import type { LocalRange } from './work-request.ts';

const TWO_32 = 0x1_0000_0000;

/** Whether a number fits a 32-bit word of a ring unchanged. */
export function isWord(value: number): boolean {
  return value >>> 0 === value;
}

/** Refuses what is not a part of its region. */
export function checkLocal(verb: string, { region, offset, length }: LocalRange): void {
  if (!isWord(offset) || !isWord(length) || offset + length > region.bytes.length)
    throw refuse(verb, 'EINVAL', 'the local range is outside its region');
}

/** Refuses what does not fit a 32-bit word. */
export function checkWord(verb: string, name: string, value: number): void {
  if (!isWord(value)) throw refuse(verb, 'EINVAL', `${name} ${value}`);
}

/** Low and high word of a work request id. */
export function idWords(id: number): readonly [number, number] {
  return [id >>> 0, Math.floor(id / TWO_32)];
}
