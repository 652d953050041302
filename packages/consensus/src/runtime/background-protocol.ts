import type { QueuePairEndpoint } from '@mu-smr/verbs';
import type { GroupNonce, LogGeometry } from '@mu-smr/log';
import type { Tuning } from '../limits.ts';
import type { BackgroundOffer } from '../planes/assembly.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { Transport } from './transport.ts';

/** What the background thread is born with. */
export interface BackgroundData {
  readonly self: ReplicaId;
  /** How many replicas there is room for. */
  readonly slots: number;
  readonly transport: Transport;
  readonly contextHandle: number;
  readonly link: SharedArrayBuffer;
  readonly geometry: LogGeometry;
  readonly logRegion: number;
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

/** What the background thread is asked to do. It answers each, in order. */
export type BackgroundTask =
  /** Says how a peer is to connect with this plane. */
  | { readonly kind: 'offer'; readonly peer: ReplicaId }
  /** Connects with it; nothing is posted yet. */
  | { readonly kind: 'attach'; readonly peer: ReplicaId; readonly offer: BackgroundOffer }
  /** Begins to watch it, as both ends are connected; for our own id: to grant and ask ourselves. */
  | {
      readonly kind: 'watch';
      readonly peer: ReplicaId;
      readonly incoming: QueuePairReference;
      readonly outgoing: QueuePairReference;
    }
  /** Takes away what it had of us, and forgets it. */
  | { readonly kind: 'detach'; readonly peer: ReplicaId };

/** A task on its way, and what it must be called in the answer. */
export interface TaskMessage {
  readonly number: number;
  readonly task: BackgroundTask;
}

/** What became of a task. */
export type TaskAnswer =
  | { readonly kind: 'done'; readonly number: number; readonly offer: BackgroundOffer | undefined }
  | { readonly kind: 'failed'; readonly number: number; readonly error: Error };

export type FromBackground = { readonly kind: 'ready'; readonly scheduling: string } | TaskAnswer;
