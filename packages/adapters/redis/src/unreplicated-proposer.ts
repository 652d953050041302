import { EventEmitter } from 'node:events';
import type { ApplyContext, LocalReadOutcome, Proposer, ProposeOutcome, ReadBarrierOutcome, ReplicaEvents, ReplicaStatus, StateMachine } from '@mu-smr/consensus'; // prettier-ignore

/**
 * A group of one without a log: every proposal is decided and applied at once.
 *
 * The honest baseline of a benchmark (all of the adapter, none of the replication), and what tests
 * of an adapter run on.
 */
export class UnreplicatedProposer<Result>
  extends EventEmitter<ReplicaEvents>
  implements Proposer<Result>
{
  readonly id = 0;
  readonly leader = 0;
  readonly isLeader = true;
  readonly #stateMachine: StateMachine<Result>;
  #offset = 0;
  #commandCount = 0;

  constructor(stateMachine: StateMachine<Result>) {
    super();
    this.#stateMachine = stateMachine;
  }

  async propose(command: Uint8Array): Promise<ProposeOutcome<Result>> {
    const at = this.#offset as LogOffset;
    const result = this.#stateMachine.apply(command, { at, index: 0, count: 1, local: true });
    this.#offset += Math.ceil(command.length / 64) * 64;
    this.#commandCount++;
    return { kind: 'decided', at, result };
  }

  readBarrier(): Promise<ReadBarrierOutcome> {
    return CURRENT;
  }

  localRead(): LocalReadOutcome {
    return { kind: 'local', applied: this.#offset as LogOffset };
  }

  status(): ReplicaStatus {
    const offset = this.#offset as LogOffset;
    const count = this.#commandCount;
    return {
      id: 0,
      role: 'leader',
      leader: 0,
      released: offset,
      applied: offset,
      firstUndecided: offset,
      tail: offset,
      capacityBytes: 0,
      confirmedFollowers: [0],
      members: [0],
      votes: true,
      phase: 'running',
      peers: [],
      diverged: undefined,
      counters: {
        postedEntries: count,
        decidedCommands: count,
        appliedCommands: count,
        permissionRequests: 0,
        permissionsGranted: 0,
        slowPermissionSwitches: 0,
        aborts: 0,
        suspicions: 0,
        falseSuspicions: 0,
        readProofs: 0,
        statesGiven: 0,
        statesReceived: 0,
        stateBytesReceived: 0,
        digestsCompared: 0,
        divergences: 0,
      },
      scheduling: 'normal: nothing is replicated',
    };
  }
}

type LogOffset = ApplyContext['at'];

const CURRENT: Promise<ReadBarrierOutcome> = Promise.resolve({ kind: 'current' });
