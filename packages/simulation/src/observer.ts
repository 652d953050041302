import type { ApplyContext, Divergence, ProposeOutcome } from '@mu-smr/consensus';
import type { SimWriteEvent } from '@mu-smr/verbs';
import type { PlaneName, SimReplica } from './sim-replica.ts';

/** One command as its client sees it. */
export interface ClientCommand {
  readonly id: number;
  /** Where it was proposed, and in which epoch of that replica. */
  readonly at: SimReplica;
  readonly epoch: number;
  /** It belongs to a session: its client may propose it again, and it is applied once all the same. */
  readonly numbered?: boolean;
}

/** One linearizable read. */
export interface ClientRead {
  readonly at: SimReplica;
  readonly epoch: number;
  /** What its checker noted when it began. */
  readonly mustSee: number;
}

/** Everything that happens in a cluster, as its checkers and its trace see it. */
export interface Observer {
  /** Bytes of a replica's log changed by a remote operation. */
  wrote(target: SimReplica, source: SimReplica, event: SimWriteEvent): void;
  /** A plane has made a step. */
  stepped(replica: SimReplica, plane: PlaneName): void;
  /** The permission manager did something to the lane on which `writer` writes this replica's log. */
  permissionChanged(
    replica: SimReplica,
    writer: number,
    change: 'modified' | 'cycled' | 'failed',
  ): void;
  /** The replication plane is about to look at a completion that is not a success. */
  completedBadly(replica: SimReplica, epoch: number, status: number): void;
  leading(replica: SimReplica): void;
  ended(replica: SimReplica, reason: string): void;
  applied(
    replica: SimReplica,
    command: number,
    index: number,
    hash: number,
    context: ApplyContext,
  ): void;
  /** A replica found its state to differ from that of a leader. */
  diverged(replica: SimReplica, divergence: Divergence): void;
  proposed(command: ClientCommand): void;
  answered(command: ClientCommand, outcome: ProposeOutcome<number>): void;
  /** A read is current and looks at the applied state now. */
  read(read: ClientRead): void;
  /** A fault, for the trace. */
  fault(text: string): void;
}
