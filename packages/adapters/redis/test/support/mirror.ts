import { EventEmitter } from 'node:events';
import type { LocalReadOutcome, ProposeOutcome, ReadBarrierOutcome } from '@mu-smr/consensus';
import {
  RedisBackend,
  RedisStateMachine,
  UnreplicatedProposer,
  type ApplyResult,
} from '../../src/index.js';

/** A leader whose entries a second replica applies too, as a follower does. */
export class MirroringProposer extends UnreplicatedProposer<ApplyResult> {
  readonly #follower: RedisStateMachine;

  constructor(leader: RedisStateMachine, follower: RedisStateMachine) {
    super(leader);
    this.#follower = follower;
  }

  override async propose(command: Uint8Array): Promise<ProposeOutcome<ApplyResult>> {
    const outcome = await super.propose(command);
    const at = outcome.kind === 'decided' ? outcome.at : undefined;
    this.#follower.apply(command, { at: at!, index: 0, count: 1, local: false });
    return outcome;
  }
}

export async function startFollower(): Promise<RedisStateMachine> {
  return new RedisStateMachine(await RedisBackend.start());
}

/** A replica whose role and outcomes a test decides. */
export class ScriptedReplica extends EventEmitter {
  readonly id = 1;
  leader: number | undefined = 1;
  isLeader = true;
  outcome: ProposeOutcome<ApplyResult> | undefined;
  barrier: ReadBarrierOutcome = { kind: 'current' };
  local: LocalReadOutcome | undefined;
  readonly #inner: UnreplicatedProposer<ApplyResult>;

  constructor(stateMachine: RedisStateMachine) {
    super();
    this.#inner = new UnreplicatedProposer(stateMachine);
  }

  async propose(command: Uint8Array): Promise<ProposeOutcome<ApplyResult>> {
    return this.outcome ?? this.#inner.propose(command);
  }

  async readBarrier(): Promise<ReadBarrierOutcome> {
    return this.barrier;
  }

  localRead(): LocalReadOutcome {
    return this.local ?? this.#inner.localRead();
  }

  status() {
    const role = this.isLeader ? ('leader' as const) : ('follower' as const);
    return { ...this.#inner.status(), id: this.id, role, leader: this.leader };
  }
}
