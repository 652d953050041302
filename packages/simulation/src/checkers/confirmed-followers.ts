import { Int } from '@mu-smr/consensus/planes';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';
import type { Acceptance, LandedEntry } from './acceptance.ts';

/**
 * I7: confirmed followers are a subset of the grants of the current permission epoch, and a majority
 * including oneself before any accept.
 */
export class ConfirmedFollowers implements Checker {
  constructor(truth: Acceptance) {
    truth.listen((target, source, entry) => this.#landed(target, source, entry));
  }

  stepped(replica: SimReplica): void {
    const { phase, fastPath } = replica.replication;
    if (phase === 'following') return;
    const epoch = replica.link.int(Int.epoch);
    for (const { to } of fastPath.active)
      mustHold(
        'I7',
        replica.link.int(Int.grant, to) >= epoch,
        () => `${replica.host} counts on ${to}, which did not grant epoch ${epoch}`,
      );
    const ids = fastPath.active.map((lane) => lane.to);
    mustHold(
      'I7',
      isMajority(replica) && ids.includes(replica.id) && new Set(ids).size === ids.length,
      () => `${replica.host} is ${phase} with [${ids.join(', ')}]`,
    );
  }

  /** No value is offered under a new number while the confirmed set is below a majority. */
  #landed(_target: SimReplica, source: SimReplica, entry: LandedEntry): void {
    if (source.replication.phase === 'following') return;
    const { writer, active } = source.replication.fastPath;
    if (entry.proposal !== writer.proposal) return;
    mustHold(
      'I7',
      isMajority(source),
      () => `${source.host} wrote ${entry.offset} with ${active.length} confirmed`,
    );
  }
}

/** Whether the confirmed members are a majority of the configuration that the leader has applied. */
function isMajority({ replication }: SimReplica): boolean {
  const { membership, fastPath } = replication;
  const votes = fastPath.active.filter(
    (lane) => membership.member(lane.to) === membership.at(lane.to),
  );
  return votes.length * 2 > membership.size;
}
