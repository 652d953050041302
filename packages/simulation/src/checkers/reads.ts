import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { ClientRead } from '../observer.ts';

/**
 * I12 for reads: a read observes every command that was reported as decided before it began. (Writes
 * are linearized by the log: I3, I4 and I9.)
 */
export class Reads implements Checker {
  read(read: ClientRead): void {
    const { applied } = read.at.replication.replayer;
    mustHold(
      'I12',
      applied > read.mustSee,
      () => `a read at ${read.at.host} sees ${applied}, a command at ${read.mustSee} was reported`,
    );
  }
}
