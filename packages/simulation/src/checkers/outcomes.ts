import type { ApplyContext, ProposeOutcome } from '@mu-smr/consensus';
import type { Checker } from '../checkers.ts';
import { EMPTY_COMMAND } from '../command.ts';
import { mustHold } from '../invariant-violation.ts';
import type { ClientCommand } from '../observer.ts';
import type { SimReplica } from '../sim-replica.ts';
import type { Acceptance } from './acceptance.ts';

/**
 * I4: every decided value was proposed; propose never reports success for a command that was not
 * decided, and what it reports as not done is never applied.
 */
export class Outcomes implements Checker {
  readonly #truth: Acceptance;
  readonly #proposed = new Set<number>();
  readonly #notDone = new Set<number>();
  /** Where each command was applied first. */
  readonly #appliedAt = new Map<number, number>();

  constructor(truth: Acceptance) {
    this.#truth = truth;
  }

  proposed(command: ClientCommand): void {
    this.#proposed.add(command.id);
  }

  answered(command: ClientCommand, outcome: ProposeOutcome<number>): void {
    const { id } = command;
    if (outcome.kind === 'unknown' || id === EMPTY_COMMAND) return;
    // Another attempt may have done it, at another place: I11.
    if (command.numbered === true) return;
    if (outcome.kind !== 'decided') {
      this.#notDone.add(id);
      mustHold('I4', !this.#appliedAt.has(id), () => `${id}: ${outcome.kind}, but applied`);
      return;
    }
    mustHold('I4', outcome.result === id, () => `${id} was answered with ${outcome.result}`);
    mustHold(
      'I4',
      this.#truth.decidedAt(outcome.at) !== undefined,
      () => `success for ${id} at ${outcome.at}, which no majority holds`,
    );
    const at = this.#appliedAt.get(id);
    mustHold('I4', at === outcome.at, () => `success for ${id} at ${outcome.at}, applied at ${at}`);
  }

  applied(_replica: SimReplica, id: number, _index: number, _hash: number, to: ApplyContext): void {
    mustHold('I4', this.#proposed.has(id), () => `${id} was applied and never proposed`);
    // Empty commands are all alike: only their places in the sequence tell them apart (I9).
    if (id === EMPTY_COMMAND) return;
    mustHold('I4', !this.#notDone.has(id), () => `${id} was reported as not done, and applied`);
    const at = this.#appliedAt.get(id);
    mustHold('I4', at === undefined || at === to.at, () => `${id} is at ${at} and at ${to.at}`);
    this.#appliedAt.set(id, to.at);
  }
}
