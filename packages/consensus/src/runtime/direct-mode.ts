import { performance } from 'node:perf_hooks';
import { LOG_BEGIN, type LogOffset } from '@mu-smr/log';
import type { Tuning } from '../limits.ts';
import { Int, type PlaneLink } from '../planes/plane-link.ts';
import type { ReplicationPlane } from '../planes/replication-plane.ts';
import type { ProposeOutcome } from '../propose-outcome.ts';
import { monotonicUs } from './clock.ts';
import type { Practice } from './practice.ts';

/** How many polls between two looks at the clock while a proposal spins. */
const POLLS_PER_CLOCK_READ = 4096;
/** A follower that applied more since its last practice has better things to do with the processor. */
const APPLIED_BYTES_MAX = 16 * 1024;

/** Proposing without promises, on a thread that its program owns: it spins until a command is applied. */
export class DirectMode<Result> {
  readonly #plane: ReplicationPlane<Result>;
  readonly #link: PlaneLink;
  readonly #deadlineUs: number;
  readonly #practiceMs: number;
  /**
   * Goes on while this thread waits to lead. Code that did not run for five milliseconds has been displaced
   * from the processor's caches, and takes two to three times as long when it is needed.
   */
  practice: Pick<Practice, 'step'> | undefined;
  /** How long the thread has waited since it practised last, and what was applied then. */
  #waitedMs = 0;
  #appliedThen = LOG_BEGIN;
  readonly #outcome = { kind: 'decided', at: LOG_BEGIN, result: undefined as Result };

  constructor(plane: ReplicationPlane<Result>, link: PlaneLink, tuning: Tuning) {
    this.#plane = plane;
    this.#link = link;
    this.#deadlineUs = tuning.proposeDeadlineMs * 1e3;
    this.#practiceMs = tuning.practiceUs / 1e3;
  }

  /** The leader only. `undefined`: leadership was lost before anything was posted. */
  propose(command: Uint8Array): ProposeOutcome<Result> | undefined {
    const plane = this.#plane;
    if (!plane.proposeSync(command) && !this.#spinForRoom(command))
      return plane.leading ? { kind: 'rejected', reason: 'deadline' } : undefined;
    const { sync } = plane;
    let giveUpAtUs = 0;
    for (let polls = 1; !sync.done; polls++) {
      if (!plane.leading) return { kind: 'unknown', reason: 'lostPermission' };
      plane.poll();
      if (polls % POLLS_PER_CLOCK_READ !== 0) continue;
      plane.step();
      const now = monotonicUs();
      if (giveUpAtUs === 0) giveUpAtUs = now + this.#deadlineUs;
      else if (now > giveUpAtUs) return { kind: 'unknown', reason: 'deadline' };
    }
    const outcome = this.#outcome;
    outcome.at = sync.at;
    outcome.result = sync.takeResult();
    return outcome as ProposeOutcome<Result>;
  }

  /** Takes in completions; up to where everything is applied, or `undefined` without leadership. */
  poll(): LogOffset | undefined {
    this.#plane.poll();
    return this.#plane.leading ? this.#plane.replayer.applied : undefined;
  }

  /** Blocks until this replica leads, the time is over, or `goesOn` says no. */
  waitForLeadership(timeoutMs: number, goesOn: () => boolean): void {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const seen = this.#link.int(Int.wake);
      this.#plane.step();
      const now = performance.now();
      if (this.#plane.leading || !goesOn() || now >= until) return;
      if (this.#plane.busy || this.#practised()) continue;
      this.#link.waitForWake(seen, Math.min(1, until - now));
      this.#waitedMs += performance.now() - now;
    }
  }

  /**
   * Does a step of practice when it is time for one: never while somebody may have to take over, nor while
   * a leader that may run on the same processors is busy.
   */
  #practised(): boolean {
    if (this.practice === undefined || this.#practiceMs === 0) return false;
    if (this.#waitedMs < this.#practiceMs || !this.#link.isLed) return false;
    this.#waitedMs = 0;
    const { applied } = this.#plane.replayer;
    const busy = applied - this.#appliedThen > APPLIED_BYTES_MAX;
    this.#appliedThen = applied;
    if (busy) return false;
    this.#link.count(Int.practised);
    this.practice.step();
    return true;
  }

  /** Works off what is in the way, and posts; false when the deadline passes first, or leadership ends. */
  #spinForRoom(command: Uint8Array): boolean {
    const giveUpAtUs = monotonicUs() + this.#deadlineUs;
    while (this.#plane.leading && monotonicUs() < giveUpAtUs) {
      this.#plane.step();
      if (!this.#plane.leading) return false;
      if (this.#plane.proposeSync(command)) return true;
    }
    return false;
  }
}
