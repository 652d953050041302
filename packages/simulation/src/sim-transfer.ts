import {
  ConsensusError,
  Double,
  Int,
  LogPhase,
  type ConfigurationRecord,
} from '@mu-smr/consensus/planes';
import type { LogOffset } from '@mu-smr/log';
import type { Random } from './random.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimState } from './sim-machine.ts';
import type { SimReplica } from './sim-replica.ts';

/** How often what cannot go on looks again. */
const RETRY_NS = 200_000;

/** How long a donor keeps recycling from passing whom it gave its state to. */
const HELD_NS = 500_000;

/** How often a donor whose state does not suffice may have nothing more, 30 µs apart. */
const STALLED_MAX = 60;

/** What one donor gives: its state at one moment, and the entries that it applies from then on. */
interface Gift {
  readonly donor: SimReplica;
  readonly at: LogOffset;
  readonly members: ConfigurationRecord;
  readonly state: SimState;
  readonly entries: Uint8Array[];
  readonly end: () => void;
  /** How often in a row it had nothing more, although that did not suffice. */
  stalled: number;
  /** An entry did not fit, or none comes. */
  refused: boolean;
}

/**
 * What the rendezvous and the state transfer do for a real replica, in virtual time: connects a new
 * life of a replica with the group, and brings the state of another to one whose log is of no use.
 * What travels takes time, and a donor may die in the middle.
 */
export class SimTransfer {
  readonly #cluster: SimCluster;
  readonly #to: SimReplica;
  readonly #random: Random;
  #runs = false;
  #gift: Gift | undefined;

  constructor(cluster: SimCluster, to: SimReplica, random: Random) {
    this.#cluster = cluster;
    this.#to = to;
    this.#random = random;
  }

  /** A new life meets the others, now and again: some may be paused. */
  meet(): void {
    for (const peer of this.#cluster.alive)
      if (peer !== this.#to && !peer.paused && !this.#to.crashed) this.#connect(peer);
    this.#later(RETRY_NS, () => this.meet());
  }

  /** Brings the state, unless that is under way already. */
  begin(): void {
    if (this.#runs) return;
    this.#runs = true;
    this.#ask();
  }

  #connect(peer: SimReplica): void {
    const to = this.#to;
    if (peer.connectedTo(to.id) === to.incarnation && to.connectedTo(peer.id) === peer.incarnation)
      return;
    const forgets = (one: SimReplica, other: SimReplica): boolean =>
      one.survives(() => {
        if (one.connectedTo(other.id) !== 0) one.disconnect(other.id);
      });
    if (!forgets(peer, to) || !forgets(to, peer)) return;
    peer.connect(to);
    to.connect(peer);
    peer.wake('background');
  }

  /** Asks a follower, or the leader where there is none. */
  #ask(): void {
    const to = this.#to;
    if (to.link.isOpen) {
      this.#runs = false;
      return;
    }
    const { known } = to.replication.replayer;
    const able = this.#cluster.alive.filter(
      (peer) =>
        peer !== to &&
        !peer.paused &&
        peer.link.isOpen &&
        peer.replication.replayer.applied >= Math.max(known, highestHead(peer)) &&
        to.connectedTo(peer.id) === peer.incarnation,
    );
    const followers = able.filter((peer) => !peer.replication.leading);
    if (able.length === 0 || to.replication.phase !== 'following') {
      this.#later(RETRY_NS, () => this.#ask());
      return;
    }
    const gift = this.#take(this.#random.pick(followers.length > 0 ? followers : able));
    this.#gift = gift;
    if (to.link.isBehind) to.replication.beginning.close();
    this.#later(this.#random.between(50_000, 1_500_000), () => this.#restore(gift));
  }

  #take(donor: SimReplica): Gift {
    const { replayer, membership, beginning } = donor.replication;
    const members = membership.record;
    if (members === undefined) throw new Error(`${donor.host} is open without a configuration`);
    const entries: Uint8Array[] = [];
    const watcher = (offset: LogOffset, end: LogOffset): void =>
      void entries.push(beginning.copy(offset, end));
    replayer.watchers.add(watcher);
    return {
      donor,
      at: replayer.applied,
      members,
      state: donor.machine.state(),
      entries,
      stalled: 0,
      refused: false,
      end: () => {
        replayer.watchers.delete(watcher);
        donor.link.setOffset(Double.pinned, 0);
      },
    };
  }

  #restore(gift: Gift): void {
    if (this.#lost(gift)) return;
    this.#to.machine.load(gift.state);
    this.#to.replication.beginning.restored(gift.at, gift.members);
    this.#takeIn(gift);
  }

  /** One entry after the other; opens the log when there is none left, and no ring has passed it. */
  #takeIn(gift: Gift): void {
    if (this.#lost(gift)) return;
    const { replication } = this.#to;
    const entry = gift.entries.shift();
    if (entry !== undefined) {
      gift.stalled = 0;
      this.#to.survives(() => this.#apply(entry, gift));
    } else if (
      gift.donor.link.offset(Double.pinned) > 0 &&
      highestHead(this.#to) <= replication.replayer.applied
    ) {
      replication.beginning.open();
      this.#runs = false;
      this.#to.wake('background');
      this.#cluster.fabric.schedule(HELD_NS, gift.end);
      return;
    } else if (++gift.stalled > STALLED_MAX) gift.refused = true;
    gift.donor.link.setOffset(Double.pinned, replication.replayer.applied);
    const ns = this.#random.between(1000, entry === undefined ? 60_000 : 4000);
    this.#later(ns, () => this.#takeIn(gift));
  }

  /**
   * As `Replica` does with an entry that is not the next one: the donor fell behind every ring itself and
   * went on with the state of another. It is given up like one that died.
   */
  #apply(entry: Uint8Array, gift: Gift): void {
    try {
      this.#to.replication.beginning.takeIn(entry);
    } catch (error) {
      if (!(error instanceof ConsensusError) || error.code !== 'STATE_TRANSFER') throw error;
      gift.entries.length = 0;
      gift.refused = true;
    }
  }

  /** The donor died, or is itself without a log now: another is asked. */
  #lost({ donor, end, refused }: Gift): boolean {
    if (!refused && !donor.crashed && donor.link.int(Int.phase) === LogPhase.open) return false;
    end();
    this.#later(RETRY_NS, () => this.#ask());
    return true;
  }

  #later(ns: number, work: () => void): void {
    this.#cluster.fabric.schedule(ns, () => {
      if (this.#to.crashed) {
        // As a socket that closes with its process.
        this.#gift?.end();
        return;
      }
      if (this.#to.paused) this.#later(RETRY_NS, work);
      else work();
    });
  }
}

/** Below this, some ring holds nothing any more, as far as that replica has pulled. */
function highestHead({ link, peers }: SimReplica): number {
  return Math.max(...peers.map((peer) => link.offset(Double.peerHead, peer)));
}
