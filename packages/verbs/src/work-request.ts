import type { MemoryRegion } from './memory-region.ts';

/** Part of a local memory region. */
export interface LocalRange {
  readonly region: MemoryRegion;
  readonly offset: number;
  readonly length: number;
}

/** A place in a peer's memory region. */
export interface RemotePlace {
  readonly remoteKey: number;
  /** Bytes from the region's first byte. */
  readonly offset: number;
}

/** What every work request may have. */
export interface WorkRequestOptions {
  /** Returned untouched in the completion. A safe integer. Default 0. */
  readonly workRequestId?: number;
  /** Default true. */
  readonly signaled?: boolean;
}

/** One operation for `QueuePair.postSend`. */
export type WorkRequest = WorkRequestOptions &
  (
    | {
        readonly kind: 'write';
        readonly local: LocalRange;
        readonly remote: RemotePlace;
        readonly inline?: boolean;
        /** Ring the target's doorbell once the bytes are there, where the provider can. */
        readonly wake?: boolean;
        /** Let the provider store the integrity trailer in the last 8 bytes first. */
        readonly seal?: boolean;
        /** For the completion of the oldest receive of the peer, which is taken up: 32 bits. */
        readonly immediate?: number;
      }
    | { readonly kind: 'read'; readonly local: LocalRange; readonly remote: RemotePlace }
    | {
        readonly kind: 'compareAndSwap';
        /** Eight bytes; the value found lands there. */
        readonly local: LocalRange;
        readonly remote: RemotePlace;
        readonly expected: bigint;
        readonly swap: bigint;
      }
    | {
        readonly kind: 'fetchAndAdd';
        readonly local: LocalRange;
        readonly remote: RemotePlace;
        readonly add: bigint;
      }
    | ({ readonly kind: 'send' } & Message)
  );

/** What goes into the oldest receive of the peer. */
export interface Message {
  readonly local: LocalRange;
  readonly inline?: boolean;
  /** 32 bits for the completion of the receive. */
  readonly immediate?: number;
}

/** Where one message may land: ibv_post_recv(3). */
export interface ReceiveRequest {
  /** Returned untouched in the completion. A safe integer. Default 0. */
  readonly workRequestId?: number;
  /** Room for the longest message that may come; for a datagram also for its global header. */
  readonly local: LocalRange;
}
