import type { LogOffset } from '@mu-smr/log';

/** Where and under whom a command is applied; the same at every replica. */
export interface ApplyContext {
  /** Absolute offset of the log entry that carries the command. Commands of one batch share it. */
  readonly at: LogOffset;
  /** Position within the entry's batch, from 0. */
  readonly index: number;
  /** How many commands the entry carries. */
  readonly count: number;
  /**
   * True where the command was proposed by this very replica and somebody waits for the result. It
   * may decide whether a reply is kept; it must never decide what the state becomes.
   */
  readonly local: boolean;
}

/**
 * What an application implements to be replicated.
 *
 * Every replica applies the same commands in the same order, each once. `apply` must be
 * deterministic: no clock, no randomness, no iteration order that differs between processes.
 */
export interface StateMachine<Result = unknown> {
  /**
   * Applies one decided command and returns its result.
   *
   * `command` is a view of the log and valid only until the call returns: copy what must outlive it.
   * A result may be a promise; the replica does not await it, it hands it to whoever proposed. An
   * exception is a defect of the state machine: the replica stops and reports `APPLY_FAILED`.
   */
  apply(command: Uint8Array, context: ApplyContext): Result;

  /** The whole state as a stream of chunks, taken between two applied commands. */
  snapshot(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

  /**
   * Tells states apart: equal for equal states, and different for different ones. With it the replicas
   * of a group compare theirs now and then, after `digestIntervalBytes` of log. It is called between
   * two commands and holds up everything, so it should be kept up to date rather than computed.
   */
  digest?(): string;

  /** Replaces the whole state by what `snapshot` produced elsewhere. */
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void>;
}
