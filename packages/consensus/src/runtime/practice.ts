import { availableParallelism } from 'node:os';
import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import type { Tuning } from '../limits.ts';
import { Play, stageLike } from './play.ts';
import { deviceOf, type Transport } from './transport.ts';

/** With more of them, whatever one does in its spare time is taken from the others. */
const REPLICAS_PER_PROCESSOR = 2;

/** Of the replica that practises. */
export interface PracticeOptions {
  readonly transport: Transport;
  readonly geometry: LogGeometry;
  readonly tuning: Tuning;
}

/**
 * Whether to practise helps: over shared memory, where all replicas are on one machine, unless they crowd
 * it already.
 */
export function mayPractise(transport: Transport, replicas: number): boolean {
  return transport.kind === 'shm' && replicas <= REPLICAS_PER_PROCESSOR * availableParallelism();
}

/**
 * A rehearsal that goes on, step by step, while the calling thread has nothing else to do.
 *
 * It takes place on a context of its own, with its own places for regions and queue pairs, and a doorbell
 * that nobody waits at: the replica's is not rung for it. That is opened at the first step, so a replica
 * that never practises has none of it.
 */
export class Practice {
  readonly #o: PracticeOptions;
  readonly #raiseReplication: (raised: boolean) => void;
  #context: Context | undefined;
  #play: Play | undefined;
  #impossible = false;

  constructor(options: PracticeOptions, raiseReplication: (raised: boolean) => void) {
    this.#o = options;
    this.#raiseReplication = raiseReplication;
  }

  /** Some 60 us. */
  step(): void {
    if (this.#play === undefined) this.#begin();
    this.#play?.step();
  }

  close(): void {
    this.#play?.close();
    this.#context?.close();
    this.#play = undefined;
    this.#impossible = true;
  }

  #begin(): void {
    if (this.#impossible) return;
    const { transport, geometry, tuning } = this.#o;
    try {
      this.#context = deviceOf(transport).open();
      this.#play = new Play(stageLike(this.#context, geometry, tuning, this.#raiseReplication));
    } catch {
      // No memory for it: the replica does without, and takes over as slowly as one that did not practise.
      this.close();
    }
  }
}
