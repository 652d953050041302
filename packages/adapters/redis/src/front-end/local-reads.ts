import type { LocalReadOutcome } from '@mu-smr/consensus';
import type { CommandSpec } from '../commands/table.js';
import { BatchBuilder } from '../leader/batch-builder.js';
import type { Clock } from '../leader/clock.js';
import { errorOf } from '../leader/outcome-reply.js';
import { partsOf, type Unit } from '../leader/submission.js';
import type { RedisStateMachine } from '../log/redis-state-machine.js';
import { Deadlines } from '../ttl/deadlines.js';

export interface LocalReadsOptions {
  readonly replica: { localRead(): LocalReadOutcome };
  readonly stateMachine: RedisStateMachine;
  readonly clock: Clock;
}

/** What a follower answers by itself, as the reads of a READONLY client: its own redis-server answers, and nobody else is asked. */
export class LocalReads {
  readonly #options: LocalReadsOptions;

  constructor(options: LocalReadsOptions) {
    this.#options = options;
  }

  run(unit: Unit): void {
    const { replica, stateMachine, clock } = this.#options;
    const outcome = replica.localRead();
    if (outcome.kind === 'rejected') return refuse(unit, outcome.reason);
    // Without deadlines: a follower cannot expire a key, its end comes through the log.
    const nowMs = Math.max(clock.now(), stateMachine.timestampMs);
    const builder = new BatchBuilder(nowMs, new Deadlines(), Infinity);
    builder.add(unit, new Map());
    try {
      stateMachine.run(builder.items);
    } catch {
      refuse(unit, 'closed');
    }
  }
}

/** What a follower says of itself: clients ask it of whom they are connected to, before anything else. */
export function isAboutReplica({ name }: CommandSpec): boolean {
  return name === 'info' || name === 'role';
}

function refuse(unit: Unit, reason: 'noState' | 'closed'): void {
  for (const { sink } of partsOf(unit)) sink.refuse(errorOf({ kind: 'rejected', reason }), false);
}
