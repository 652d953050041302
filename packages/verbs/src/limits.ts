import { refuse } from './errors.ts';

/** Refuses ring depths that are not powers of two within the device's limit. */
export function checkPowerOfTwo(verb: string, depth: number, max: number): void {
  if (!Number.isInteger(depth) || depth < 1 || (depth & (depth - 1)) !== 0)
    throw refuse(verb, 'EINVAL', `depth ${depth} is not a power of two`);
  if (depth > max)
    throw refuse(verb, 'EINVAL', `depth ${depth} is above the device's limit of ${max}`);
}
