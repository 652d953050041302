import type { QueuePairEndpoint } from '@mu-smr/verbs';
import type { GroupNonce, LogGeometry } from '@mu-smr/log';
import type { Tuning } from '../limits.ts';
import type { BackgroundOffer } from '../planes/assembly.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { Transport } from './transport.ts';

/** What the background thread is born with. */
export interface BackgroundData {
  readonly self: ReplicaId;
  readonly replicas: number;
  readonly transport: Transport;
  readonly contextHandle: number;
  readonly link: SharedArrayBuffer;
  readonly geometry: LogGeometry;
  readonly nonce: GroupNonce;
  readonly tuning: Tuning;
  /** Wakes the replica's event loop. */
  readonly waker: number;
  /** The thread of the replication plane, for the scheduler. */
  readonly replicationThread: number;
}

/** A queue pair of the main thread, as another thread reaches it. */
export interface QueuePairReference {
  readonly handle: number;
  readonly remote: QueuePairEndpoint;
}

export type ToBackground =
  | {
      readonly kind: 'connect';
      readonly offers: readonly (readonly [ReplicaId, BackgroundOffer])[];
      readonly incoming: readonly QueuePairReference[];
      readonly outgoing: readonly QueuePairReference[];
      readonly logRegion: number;
    }
  | { readonly kind: 'run' };

export type FromBackground =
  | { readonly kind: 'offers'; readonly offers: readonly BackgroundOffer[] }
  | { readonly kind: 'connected'; readonly scheduling: string };
