import { Int } from '@mu-smr/consensus/planes';
import type { Checker } from './checkers.ts';
import type { SimReplica } from './sim-replica.ts';
import { hashBytes } from './value-hash.ts';

/** Writes down what happens, one line per event, and a hash over all lines. */
export class Trace {
  readonly lines: string[] = [];
  hash = 0x811c_9dc5;
  readonly #believed = new Map<string, string>();
  readonly #nowUs: () => number;
  readonly #keepsLines: boolean;
  readonly #encoder = new TextEncoder();

  constructor(nowUs: () => number, keepsLines: boolean) {
    this.#nowUs = nowUs;
    this.#keepsLines = keepsLines;
  }

  /** @internal */
  readonly checker: Checker = {
    stepped: (replica, plane) => {
      if (plane === 'background') this.#beliefs(replica);
    },
    wrote: (target, source, event) => {
      const { offset, length, last } = event;
      this.#add(
        `${source.host} writes ${target.host} [${offset}, ${offset + length})${last ? '' : ' …'}`,
      );
    },
    permissionChanged: (replica, writer, change) =>
      this.#add(`${replica.host} ${change} the lane of r${writer}`),
    completedBadly: (replica, epoch, status) =>
      this.#add(`${replica.host} was refused in epoch ${epoch}: status ${status}`),
    leading: (replica) =>
      this.#add(
        `${replica.host} leads epoch ${replica.link.int(Int.epoch)} from ${replica.replication.fastPath.tail}`,
      ),
    ended: (replica, reason) => this.#add(`${replica.host} ends its epoch: ${reason}`),
    applied: (replica, command, index, _hash, { at }) =>
      this.#add(`${replica.host} applies ${command} as number ${index} at ${at}`),
    diverged: (replica, { at, by }) => this.#add(`${replica.host} differs from r${by} at ${at}`),
    proposed: ({ id, at }) => this.#add(`${at.host} is given ${id}`),
    answered: ({ id, at }, outcome) => this.#add(`${at.host} answers ${id}: ${outcome.kind}`),
    read: ({ at, mustSee }) => this.#add(`${at.host} answers a read that must see ${mustSee}`),
    fault: (text) => this.#add(`fault: ${text}`),
  };

  /** Whom a replica trusts and follows, when that has changed. */
  #beliefs(replica: SimReplica): void {
    const { link, host, id } = replica;
    const peers = replica.peers.filter((peer) => peer !== id);
    const trusted = peers.filter((peer) => link.int(Int.trusted, peer) === 1);
    const leader = link.int(Int.leader);
    const { members = [] } = replica.replication.membership.record ?? {};
    // Each with the number of its life.
    const lives = members.flatMap((life, member) => (life === 0 ? [] : [`r${member} (${life})`]));
    const belief =
      `${host} (${replica.incarnation}) trusts [${trusted.join(', ')}], ` +
      `leader ${leader < 0 ? 'unknown' : leader}, members ${lives.join(', ') || 'unknown'}`;
    if (this.#believed.get(host) === belief) return;
    this.#believed.set(host, belief);
    this.#add(belief);
  }

  #add(text: string): void {
    const line = `${this.#nowUs().toFixed(3).padStart(12)} ${text}`;
    if (this.#keepsLines) this.lines.push(line);
    this.hash = hashBytes(this.#encoder.encode(line), this.hash);
  }
}
