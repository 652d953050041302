import { createHash } from 'node:crypto';
import { EntryKind, type LogOffset } from '@mu-smr/log';
import {
  CHECK_BYTES,
  DIGEST_BYTES,
  readCheck,
  writeCheck,
  type DigestCheck,
} from '../core/digest-check.ts';
import type { Divergence } from '../replica-api.ts';
import type { StateMachine } from '../state-machine.ts';
import type { FastPath } from './fast-path.ts';

const CHECK = EntryKind.check | (1 << 8);
/** Digests that are kept: a leader tells its own soon, or never. */
const DIGESTS_KEPT = 16;

/** What the detector needs. */
export interface DetectorOptions {
  readonly self: number;
  readonly fastPath: FastPath;
  readonly staging: Uint8Array;
  readonly stateMachine: Pick<StateMachine, 'digest'>;
  /** Bytes of log between two checks; 0 = this replica has none made when it leads. */
  readonly intervalBytes: number;
  readonly diverged: (divergence: Divergence) => void;
}

/**
 * Finds replicas whose states differ although they applied the same log: an `apply` that is not
 * deterministic, another version of the application, a flipped bit.
 *
 * A leader posts an entry at which every replica takes the digest of its state, and when it has applied
 * that, another one with its own digest, which every replica compares. A replica that has no digest of
 * that offset (it joined later, or its state has none) compares nothing.
 */
export class DivergenceDetector {
  /** Digests of ours that were compared. */
  compared = 0;
  /** Those that differed, and the last of them. */
  differed = 0;
  last: Divergence | undefined;
  readonly #o: DetectorOptions;
  /** By the offset of the entry at which it was taken, oldest first. */
  readonly #taken = new Map<LogOffset, string>();
  /** Taken, and not told by any leader yet. */
  #untold: LogOffset | undefined;
  /** From here on the next check is due. */
  #next: number;

  constructor(options: DetectorOptions) {
    this.#o = options;
    this.#next = options.intervalBytes;
  }

  /** Leader: whether there is something to post. */
  get due(): boolean {
    const { intervalBytes, fastPath, stateMachine } = this.#o;
    if (intervalBytes === 0 || stateMachine.digest === undefined) return false;
    return this.#untold !== undefined || fastPath.tail >= this.#next;
  }

  /** Leader: posts what is due, where there is room; the caller rings the doorbell. */
  post(): boolean {
    const { fastPath, staging, intervalBytes } = this.#o;
    if (!this.due || !fastPath.room(CHECK_BYTES)) return false;
    writeCheck(staging, fastPath.stage(CHECK_BYTES), this.#check());
    fastPath.post(CHECK, CHECK_BYTES);
    // Should the entry get lost with the epoch, the next one is as good.
    this.#untold = undefined;
    this.#next = fastPath.tail + intervalBytes;
    return true;
  }

  /** The entry at `offset`, whose payload stands at byte `at` of `log`, is decided; all below is applied. */
  apply(log: Uint8Array, at: number, offset: LogOffset, end: LogOffset): void {
    const check = readCheck(log, at);
    this.#next = end + this.#o.intervalBytes;
    if (check.kind === 'take') this.#take(offset);
    else this.#compare(check);
  }

  #check(): DigestCheck {
    const at = this.#untold;
    const digest = at === undefined ? undefined : this.#taken.get(at);
    if (at === undefined || digest === undefined) return { kind: 'take' };
    return { kind: 'compare', at, by: this.#o.self, digest };
  }

  #take(offset: LogOffset): void {
    const digest = this.#o.stateMachine.digest?.();
    if (digest === undefined) return;
    const short = createHash('sha256')
      .update(digest)
      .digest('hex')
      .slice(0, 2 * DIGEST_BYTES);
    this.#taken.set(offset, short);
    this.#untold = offset;
    for (const oldest of this.#taken.keys()) {
      if (this.#taken.size <= DIGESTS_KEPT) return;
      this.#taken.delete(oldest);
    }
  }

  #compare({ at, by, digest }: Extract<DigestCheck, { kind: 'compare' }>): void {
    if (this.#untold === at) this.#untold = undefined;
    const own = this.#taken.get(at);
    if (own === undefined) return;
    this.compared++;
    if (own === digest) return;
    this.differed++;
    this.last = { at, by, digest, own };
    this.#o.diverged(this.last);
  }
}
