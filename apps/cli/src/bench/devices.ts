import { CliError } from '../errors.ts';

/**
 * What `--fabric ibverbs:DEVICE[,DEVICE…]` names: one device for each replica, or one for all.
 * `undefined` without it: shared memory.
 */
export function devicesOf(fabric: string | undefined, replicas: number): string[] | undefined {
  if (fabric === undefined) return undefined;
  const named = /^ibverbs:(.+)$/.exec(fabric)?.[1].split(',');
  if (named === undefined || (named.length !== 1 && named.length !== replicas))
    throw new CliError('USAGE', `--fabric must be ibverbs: and 1 or ${replicas} devices`, 2);
  return Array.from({ length: replicas }, (_, id) => named[id] ?? named[0]);
}
