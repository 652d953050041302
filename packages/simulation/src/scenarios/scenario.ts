import { DEFAULT_TUNING, Int } from '@mu-smr/consensus/planes';
import type { ProposeOutcome } from '@mu-smr/consensus';
import { makeCheckers } from '../all-checkers.ts';
import { observeAll, type Checker } from '../checkers.ts';
import type { ClusterOptions } from '../cluster-options.ts';
import { makeCommand } from '../command.ts';
import type { ClientCommand, Observer } from '../observer.ts';
import { Random } from '../random.ts';
import { SimCluster } from '../sim-cluster.ts';
import { outcomeOf } from '../sim-machine.ts';
import type { SimReplica } from '../sim-replica.ts';

/** A small ring, and times that fit virtual time. */
const OPTIONS: ClusterOptions = {
  seed: 1,
  replicas: 3,
  geometry: { capacityBytes: 4096, payloadBytesMax: 100, windowBytes: 1024 },
  mtuBytes: 256,
  immediate: false,
  transfersState: false,
  sessions: undefined,
  tuning: {
    ...DEFAULT_TUNING,
    tickUs: 50,
    score: { cap: 15, failBelow: 2, recoverAbove: 6 },
    verifySuspicions: false,
    grantGraceUs: 50,
    grantTimeoutUs: 3000,
    backOffUs: 200,
    claimPatienceUs: 1000,
    regrantUs: 500,
    slowFollowerUs: 3000,
    fateSharingUs: 2000,
  },
};

/** What became of one command. */
export interface Proposed {
  readonly id: number;
  outcome: ProposeOutcome<number> | undefined;
}

/** A cluster that does what a test says, with all checkers on. */
export class Scenario {
  readonly cluster: SimCluster;
  readonly #observer: Observer;
  #commands = 0;

  /** With `digestIntervalBytes` the replicas compare their states. */
  constructor(
    options: Partial<ClusterOptions> = {},
    extra: Checker = {},
    digestIntervalBytes = OPTIONS.tuning.digestIntervalBytes,
  ) {
    const tuning = { ...(options.tuning ?? OPTIONS.tuning), digestIntervalBytes };
    const all = { ...OPTIONS, ...options, tuning };
    const checkers = makeCheckers(all, () => this.cluster.replicas);
    this.#observer = observeAll([...checkers.list, extra]);
    this.cluster = new SimCluster(all, new Random(all.seed), this.#observer, 'none');
  }

  replica(id: number): SimReplica {
    return this.cluster.replicas[id];
  }

  run(us: number): void {
    this.cluster.runUntil(this.cluster.nowUs + us);
  }

  /** Runs until something holds; fails after a bounded virtual time. */
  until(holds: () => boolean, withinUs = 30_000): void {
    this.cluster.runUntil(this.cluster.nowUs + withinUs, holds);
    if (!holds()) throw new Error(`not within ${withinUs} µs of virtual time: ${holds.toString()}`);
  }

  /** Waits for the one leader there is, perhaps another than before. */
  leader(other?: SimReplica): SimReplica {
    const leading = (): SimReplica[] =>
      this.cluster.leaders.filter((one) => one !== other && !one.paused);
    this.until(() => leading().length === 1);
    return leading()[0];
  }

  propose(at: SimReplica, bytes = 40): Proposed {
    const proposed: Proposed = { id: ++this.#commands, outcome: undefined };
    const command: ClientCommand = { id: proposed.id, at, epoch: at.link.int(Int.epoch) };
    this.#observer.proposed(command);
    at.replication.submit({
      command: makeCommand(proposed.id, bytes),
      withdrawn: false,
      posted: false,
      settle: (outcome) => {
        proposed.outcome = outcomeOf(outcome);
        this.#observer.answered(command, proposed.outcome);
      },
    });
    at.wake('replication');
    return proposed;
  }

  /** Proposes and waits for success. */
  decide(at: SimReplica, commands = 1): void {
    for (let n = 0; n < commands; n++) {
      const proposed = this.propose(at);
      this.until(() => proposed.outcome !== undefined);
      if (proposed.outcome?.kind !== 'decided')
        throw new Error(`command ${proposed.id} ended as ${proposed.outcome?.kind}`);
    }
  }

  /** Whether all that live have applied the same commands, and these many. */
  agree(commands: number): boolean {
    const [first, ...rest] = this.cluster.alive.map((replica) => replica.machine.recorder);
    return (
      first.count === commands &&
      rest.every((one) => one.hash === first.hash && one.count === commands)
    );
  }
}
