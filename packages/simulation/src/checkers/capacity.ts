import { LOG_HEADER_BYTES, type LogGeometry } from '@mu-smr/log';
import { Double, Int } from '@mu-smr/consensus/planes';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { PlaneName, SimReplica } from '../sim-replica.ts';
import type { Acceptance, LandedEntry } from './acceptance.ts';

/**
 * I14: tail − head ≤ capacity, a writer never laps a reader, nothing is released that a member still
 * needs for whom the leader waits, and nothing is reused that was not zeroed.
 */
export class Capacity implements Checker {
  readonly #capacityBytes: number;
  readonly #replicas: () => readonly SimReplica[];
  readonly #heads = new Map<SimReplica, number>();
  readonly #releases = new Map<SimReplica, number>();

  constructor(truth: Acceptance, geometry: LogGeometry, replicas: () => readonly SimReplica[]) {
    this.#capacityBytes = geometry.capacityBytes;
    this.#replicas = replicas;
    truth.listen((target, source, entry) => this.#landed(target, source, entry));
  }

  stepped(replica: SimReplica, plane: PlaneName): void {
    if (plane !== 'background') return;
    this.#checkZeroes(replica);
    if (replica.link.int(Int.leading) === 1) this.#checkRelease(replica);
  }

  #landed(target: SimReplica, source: SimReplica, { offset, end }: LandedEntry): void {
    const head = target.link.offset(Double.head);
    mustHold(
      'I14',
      end - head <= this.#capacityBytes,
      () => `${source.host} wrote [${offset}, ${end}) over ${target.host}, whose head is ${head}`,
    );
  }

  #checkZeroes(replica: SimReplica): void {
    const head = replica.link.offset(Double.head);
    const before = this.#heads.get(replica) ?? 0;
    if (head === before) return;
    mustHold('I14', head > before, () => `the head of ${replica.host}: ${before}, then ${head}`);
    this.#heads.set(replica, head);
    // A log that was opened anew began there, and may have been written since.
    const from = Math.max(before, replica.link.offset(Double.base));
    for (let offset = from; offset < head; offset++) {
      const at = LOG_HEADER_BYTES + (offset % this.#capacityBytes);
      mustHold(
        'I14',
        replica.log[at] === 0,
        () => `${replica.host} moved its head to ${head}, and ${offset} is not zero`,
      );
    }
  }

  #checkRelease(leader: SimReplica): void {
    const release = leader.link.offset(Double.release);
    if (release === (this.#releases.get(leader) ?? 0)) return;
    this.#releases.set(leader, release);
    for (const member of this.#replicas()) {
      if (member !== leader && leader.link.int(Int.waitedFor, member.id) === 0) continue;
      if (leader.connectedTo(member.id) !== member.incarnation) continue;
      const { applied } = member.replication.replayer;
      mustHold(
        'I14',
        release <= applied,
        () => `${leader.host} releases ${release}, ${member.host} has applied ${applied}`,
      );
    }
  }
}
