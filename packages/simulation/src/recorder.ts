import type { ApplyContext, StateMachine } from '@mu-smr/consensus';
import { commandId } from './command.ts';

/** Told of each applied command: its place in this replica's sequence, and the running hash. */
export type ApplyObserver = (
  id: number,
  index: number,
  hash: number,
  context: ApplyContext,
) => void;

/** All that a recorder's commands have come to. */
export interface RecorderState {
  readonly count: number;
  readonly hash: number;
}

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

  digest(): string {
    return `${this.count} ${this.hash}`;
  }

  /** All there is, as of this call. */
  state(): RecorderState {
    return { count: this.count, hash: this.hash };
  }

  load({ count, hash }: RecorderState): void {
    this.count = count;
    this.hash = hash;
  }

  *snapshot(): Iterable<Uint8Array> {
    yield new TextEncoder().encode(JSON.stringify(this.state()));
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) this.load(JSON.parse(new TextDecoder().decode(chunk)));
  }
}
