import {
  withSessions,
  type ApplyContext,
  type ProposeOutcome,
  type SessionLimits,
  type SessionMachine,
  type SessionResult,
  type StateMachine,
} from '@mu-smr/consensus';
import type { SessionTableRecord } from '@mu-smr/consensus/planes';
import { Recorder, type ApplyObserver, type RecorderState } from './recorder.ts';

/** What a simulated replica answers: a command's number, or what a machine with sessions says. */
export type SimResult = number | SessionResult;

/** All that a replica's commands have come to. */
export interface SimState {
  readonly recorder: RecorderState;
  readonly sessions: SessionTableRecord | undefined;
}

/** The state machine of a simulated replica: a recorder, in some clusters with sessions around it. */
export class SimMachine implements StateMachine<SimResult> {
  readonly recorder: Recorder;
  /** A part of the state that no command shows went wrong, as by a flipped bit. */
  astray = false;
  readonly #sessions: SessionMachine | undefined;

  constructor(sessions: SessionLimits | undefined, observer: ApplyObserver) {
    const recorder = new Recorder(observer);
    this.recorder = recorder;
    if (sessions === undefined) return;
    const inBytes = {
      apply: (command: Uint8Array, context: ApplyContext) =>
        new Uint8Array(Uint32Array.of(recorder.apply(command, context)).buffer),
      digest: () => recorder.digest(),
      snapshot: () => recorder.snapshot(),
      restore: (chunks: AsyncIterable<Uint8Array>) => recorder.restore(chunks),
    };
    this.#sessions = withSessions(inBytes, sessions);
  }

  apply(command: Uint8Array, context: ApplyContext): SimResult {
    return (this.#sessions ?? this.recorder).apply(command, context);
  }

  digest(): string {
    const sessions = this.#sessions?.digest?.() ?? '';
    return `${this.recorder.digest()} ${sessions}${this.astray ? ' and astray' : ''}`;
  }

  /** All there is, as of this call. */
  state(): SimState {
    return { recorder: this.recorder.state(), sessions: this.#sessions?.record() };
  }

  load({ recorder, sessions }: SimState): void {
    this.recorder.load(recorder);
    if (sessions !== undefined) this.#sessions?.load(sessions);
  }

  snapshot(): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
    return (this.#sessions ?? this.recorder).snapshot();
  }

  restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return (this.#sessions ?? this.recorder).restore(chunks);
  }
}

/** The number of the command that was answered; -1 when a session's request was refused. */
export function commandOf(result: SimResult): number {
  if (typeof result === 'number') return result;
  if (result.kind !== 'applied') return -1;
  const { buffer, byteOffset, length } = result.reply;
  return new DataView(buffer, byteOffset, length).getUint32(0, true);
}

/** An outcome as checkers see it: with the number of the command that was answered. */
export function outcomeOf(outcome: ProposeOutcome<SimResult>): ProposeOutcome<number> {
  if (outcome.kind !== 'decided') return outcome;
  return { ...outcome, result: commandOf(outcome.result) };
}
