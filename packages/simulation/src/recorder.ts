import type { ApplyContext, StateMachine } from '@mu-smr/consensus';
import { commandId } from './command.ts';

/** Told of each applied command: its place in this replica's sequence, and the running hash. */
export type ApplyObserver = (
  id: number,
  index: number,
  hash: number,
  context: ApplyContext,
) => void;

/** A state machine whose state is the sequence of commands it applied. */
export class Recorder implements StateMachine<number> {
  readonly #observer: ApplyObserver;
  /** How many commands were applied. */
  count = 0;
  /** Over all of them, in order. */
  hash = 0;

  constructor(observer: ApplyObserver) {
    this.#observer = observer;
  }

  /** Returns the command's number. */
  apply(command: Uint8Array, context: ApplyContext): number {
    const id = commandId(command);
    this.hash = (Math.imul(this.hash, 0x0100_0193) ^ id) >>> 0;
    this.#observer(id, this.count, this.hash, context);
    this.count++;
    return id;
  }

  snapshot(): Iterable<Uint8Array> {
    throw new Error('state transfer is not simulated yet');
  }

  restore(): Promise<void> {
    throw new Error('state transfer is not simulated yet');
  }
}
