import { EntryKind, type EntryView } from '@mu-smr/log';

/** FNV-1a over bytes, continued from `seed`. */
export function hashBytes(bytes: Uint8Array, seed = 0x811c_9dc5): number {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}

/**
 * Names the value of an entry: what was proposed, without the proposal number and what else a later
 * leader writes anew. A pad's bytes are whatever stood in staging, so only its length counts.
 */
export function valueHash(view: EntryView): number {
  const head = Math.imul(view.kindAndCount ^ 0x5bd1_e995, 0x9e37_79b1) ^ view.payloadLength;
  return view.kind === EntryKind.pad ? head >>> 0 : hashBytes(view.payload(), head);
}
