import { SendEntry } from '../../ring-layout.ts';

/** A work request that the simulated NIC has taken over, and how far it has got. */
export interface SimWorkRequest {
  readonly opcode: number;
  /** Bits of `SendFlags`. */
  readonly flags: number;
  readonly localRegion: number;
  readonly localOffset: number;
  readonly length: number;
  readonly remoteKey: number;
  readonly remoteOffset: number;
  readonly idLow: number;
  readonly idHigh: number;
  readonly compareAddLow: number;
  readonly compareAddHigh: number;
  readonly swapLow: number;
  readonly swapHigh: number;
  /** When its first byte can be at the target. */
  notBeforeNs: number;
  /** Bytes moved so far. */
  moved: number;
  /** Inline: the bytes as they were at the doorbell. Read and atomic: what was found there. */
  bytes: Uint8Array | undefined;
  /** Epoch of the target queue pair that took the first piece; -1 before. */
  targetEpoch: number;
  /** Since when the peer is silent; -1 while it answers. */
  silentSinceNs: number;
  /** Outcome at the target; -1 while it is open. */
  status: number;
  /** When the poster learns the outcome. */
  acknowledgedAtNs: number;
}

export const OPEN = -1;

/** Copies one entry of a send ring; `at` is its first word. */
export function takeWorkRequest(words: Uint32Array, at: number): SimWorkRequest {
  const opcodeAndFlags = words[at + SendEntry.opcodeAndFlags];
  return {
    opcode: opcodeAndFlags & 0xff,
    flags: opcodeAndFlags & ~0xff,
    localRegion: words[at + SendEntry.localRegion],
    localOffset: words[at + SendEntry.localOffset],
    length: words[at + SendEntry.length],
    remoteKey: words[at + SendEntry.remoteKey],
    remoteOffset: words[at + SendEntry.remoteOffset],
    idLow: words[at + SendEntry.workRequestIdLow],
    idHigh: words[at + SendEntry.workRequestIdHigh],
    compareAddLow: words[at + SendEntry.compareAddLow],
    compareAddHigh: words[at + SendEntry.compareAddHigh],
    swapLow: words[at + SendEntry.swapLow],
    swapHigh: words[at + SendEntry.swapHigh],
    notBeforeNs: 0,
    moved: 0,
    bytes: undefined,
    targetEpoch: -1,
    silentSinceNs: -1,
    status: OPEN,
    acknowledgedAtNs: 0,
  };
}
