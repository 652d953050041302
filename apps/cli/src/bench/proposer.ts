import { performance } from 'node:perf_hooks';
import type { Replica } from '@mu-smr/consensus';
import { numberedCommand, setNumber } from './counting-state-machine.ts';
import type { ProposePlan } from './messages.ts';

/** Proposes numbered commands at the leader, one by one or pipelined. Throws when leadership is lost. */
export class Proposer {
  readonly #replica: Replica<number>;
  readonly #plan: ProposePlan;
  readonly #number: { next: number };
  readonly #commands: Uint8Array[];

  constructor(replica: Replica<number>, plan: ProposePlan, number: { next: number }) {
    this.#replica = replica;
    this.#plan = plan;
    this.#number = number;
    this.#commands = Array.from({ length: plan.batch }, () =>
      numberedCommand(plan.payloadBytes, replica.id),
    );
  }

  /** Proposes `count` commands; returns the nanoseconds of the whole loop. */
  run(count: number): number {
    const begin = performance.now();
    this.#propose(count, undefined);
    return (performance.now() - begin) * 1e6;
  }

  /**
   * Proposes `count` commands; returns the nanoseconds that each entry took, a clock read included. As in
   * the raw loop one begins where the last ended, and a store is all that keeps it.
   */
  latencies(count: number): Float64Array {
    const each = new Float64Array(Math.ceil(count / this.#plan.batch));
    this.#propose(count, each);
    return each;
  }

  #propose(count: number, into: Float64Array | undefined): void {
    if (this.#plan.outstanding === 1 && this.#plan.batch === 1) this.#oneByOne(count, into);
    else this.#pipelined(count, into);
  }

  #oneByOne(count: number, into: Float64Array | undefined): void {
    const command = this.#commands[0];
    let before = performance.now();
    for (let n = 0; n < count; n++) {
      setNumber(command, this.#number.next++);
      const outcome = this.#replica.proposeSync(command);
      if (outcome.kind !== 'decided') throw new Error(`proposal ended ${outcome.kind}`);
      if (into === undefined) continue;
      const after = performance.now();
      into[n] = (after - before) * 1e6;
      before = after;
    }
  }

  #pipelined(count: number, into: Float64Array | undefined): void {
    const posted: { at: number; sinceMs: number }[] = [];
    const { outstanding, batch } = this.#plan;
    let left = Math.ceil(count / batch);
    let done = 0;
    while (left > 0 || posted.length > 0) {
      if (left > 0 && posted.length < outstanding && this.#post(posted)) left--;
      if (left > 0 && posted.length < outstanding) continue;
      const applied = this.#replica.pollSync();
      if (applied === undefined) throw new Error('leadership was lost');
      while (posted.length > 0 && applied > posted[0].at) {
        const { sinceMs } = posted[0];
        posted.shift();
        if (into !== undefined) into[done++] = (performance.now() - sinceMs) * 1e6;
      }
    }
  }

  #post(posted: { at: number; sinceMs: number }[]): boolean {
    const sinceMs = performance.now();
    const { next } = this.#number;
    for (let n = 0; n < this.#commands.length; n++) setNumber(this.#commands[n], next + n);
    const at = this.#replica.postSync(this.#commands);
    if (at === undefined) {
      this.#replica.pollSync();
      if (!this.#replica.isLeader) throw new Error('leadership was lost');
      return false;
    }
    this.#number.next += this.#commands.length;
    posted.push({ at, sinceMs });
    return true;
  }
}
