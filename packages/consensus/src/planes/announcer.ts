import { LOG_BEGIN } from '@mu-smr/log';
import type { FastPath } from './fast-path.ts';
import { LanePurpose } from './lane.ts';
import type { LogAccess } from './log-access.ts';
import { Double, type PlaneLink } from './plane-link.ts';

/**
 * Tells followers what is decided when no entry does it: a leader that went idle would otherwise
 * leave its last command unapplied (protocol.md, step 7).
 */
export class Announcer {
  /**
   * Commands may just be following each other without a pause. The next one tells what the last has
   * decided, and an announcement would only delay it: there is none while anything is decided.
   */
  goesOn = false;
  readonly #fastPath: FastPath;
  readonly #access: LogAccess;
  readonly #link: PlaneLink;
  #release = LOG_BEGIN;
  /** What was decided when it was last asked. */
  #decided = LOG_BEGIN;

  constructor(fastPath: FastPath, access: LogAccess, link: PlaneLink) {
    this.#fastPath = fastPath;
    this.#access = access;
    this.#link = link;
  }

  /** Posts the announcement when there is something new in it; the caller rings the doorbell. */
  post(): boolean {
    const { active, decided, outstanding, writer } = this.#fastPath;
    const moved = decided !== this.#decided;
    this.#decided = decided;
    if (this.goesOn && moved) return false;
    if (outstanding > 0) return false;
    if (decided === this.#link.offset(Double.announced) && writer.release === this.#release)
      return false;
    if (active.some((lane) => lane.queuePair.outstanding > 0)) return false;
    const commit = { firstUndecided: decided, release: writer.release };
    for (const lane of active) this.#access.announce(lane, commit, LanePurpose.announce);
    this.#link.setOffset(Double.announced, decided);
    this.#release = writer.release;
    return true;
  }

  /** Every confirmed follower has what is decided, and has been told so. */
  get told(): boolean {
    const { active, decided } = this.#fastPath;
    return (
      this.#link.offset(Double.announced) === decided &&
      active.every((lane) => lane.queuePair.outstanding === 0)
    );
  }

  /** Not everybody has heard what is decided, even if nothing new is. */
  anew(): void {
    this.#link.setOffset(Double.announced, -1);
  }
}
