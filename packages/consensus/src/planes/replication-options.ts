import type { GroupNonce, LogGeometry } from '@mu-smr/log';
import type { CompletionQueue, SendRing } from '@mu-smr/verbs';
import type { Incarnation } from '../core/configuration.ts';
import type { Tuning } from '../limits.ts';
import type { Divergence } from '../replica-api.ts';
import type { StateMachine } from '../state-machine.ts';
import type { Lane, ReplicationMemory } from './lane.ts';
import type { PlaneLink } from './plane-link.ts';

/** What a replication plane is made of. */
export interface ReplicationPlaneOptions<Result> {
  readonly self: number;
  /** How many replicas there is room for. */
  readonly slots: number;
  /** This life of this replica. */
  readonly incarnation: Incarnation;
  readonly link: PlaneLink;
  /** Shared with whoever connects them. */
  readonly lanes: readonly (Lane | undefined)[];
  readonly memory: ReplicationMemory;
  readonly sendRing: SendRing;
  readonly completionQueue: CompletionQueue;
  readonly geometry: LogGeometry;
  readonly nonce: GroupNonce;
  readonly tuning: Tuning;
  readonly nowUs: () => number;
  /**
   * Applies a decided command to the state machine. A function of the caller's own: where all planes of a thread
   * called that of any state machine, V8 would look it up by name for each command, in rehearsals and after them.
   */
  readonly apply: StateMachine<Result>['apply'];
  readonly stateMachine: Pick<StateMachine, 'digest'>;
  /** Called when the background plane should look at the link soon. */
  readonly wakeBackground: () => void;
  readonly events: ReplicationEvents;
}

/** What a replication plane tells as it happens. */
export interface ReplicationEvents {
  readonly leading: () => void;
  readonly ended: (reason: string) => void;
  /** Our state is not that of a leader, as of an offset that both have applied. */
  readonly diverged: (divergence: Divergence) => void;
}
