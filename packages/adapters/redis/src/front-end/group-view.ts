import type { Proposer, ReplicaId } from '@mu-smr/consensus';
import type { CommandSink } from '../log/batch.js';
import type { ApplyResult, RedisStateMachine } from '../log/redis-state-machine.js';
import {
  arrayReply,
  bulkReply,
  integerReply,
  textOf,
  textReply,
  type Protocol,
} from '../resp/reply.js';
import type { Request } from '../resp/request.js';
import { GUARD_MS } from '../ttl/guard.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What INFO, ROLE and WAIT say of the group in place of the local redis-server. */
export class GroupView {
  readonly #proposer: Proposer<ApplyResult>;
  readonly #stateMachine: RedisStateMachine;
  readonly #addresses: ReadonlyMap<ReplicaId, Address>;

  constructor(
    proposer: Proposer<ApplyResult>,
    stateMachine: RedisStateMachine,
    addresses: ReadonlyMap<ReplicaId, Address>,
  ) {
    this.#proposer = proposer;
    this.#stateMachine = stateMachine;
    this.#addresses = addresses;
  }

  /** Replicas beside the leader that hold what it has acknowledged. */
  wait(): Buffer {
    return integerReply(this.#holders().length);
  }

  role(): Buffer {
    const status = this.#proposer.status();
    if (status.role === 'leader') {
      const replicas = this.#holders().map((id) => {
        const { host, port } = this.#address(id);
        const applied = status.peers.find((peer) => peer.id === id)?.applied ?? 0;
        return arrayReply([bulkReply(host), bulkReply(String(port)), bulkReply(String(applied))]);
      });
      const offset = integerReply(status.firstUndecided);
      return arrayReply([bulkReply('master'), offset, arrayReply(replicas)]);
    }
    const { host, port } = this.#address(status.leader);
    return arrayReply([
      bulkReply('slave'),
      bulkReply(host),
      integerReply(port),
      bulkReply(status.leader === undefined ? 'connect' : 'connected'),
      integerReply(status.applied),
    ]);
  }

  /** Passes redis-server's INFO on with the group's truth in it. */
  infoSink(request: Request, protocol: Protocol, sink: CommandSink): CommandSink {
    return {
      reply: (bytes) => {
        const text = textOf(bytes);
        sink.reply(text === undefined ? bytes : textReply(protocol, this.#info(text, request)));
      },
      refuse: (error, close) => sink.refuse(error, close),
    };
  }

  #info(text: string, request: Request): string {
    const status = this.#proposer.status();
    const holders = this.#holders();
    const port = this.#address(this.#proposer.id).port;
    const corrected = text
      .replace(/^role:.*$/m, () => `role:${status.role === 'leader' ? 'master' : 'slave'}`)
      .replace(/^connected_slaves:.*$/m, `connected_slaves:${holders.length}`)
      .replace(/^tcp_port:.*$/m, `tcp_port:${port}`)
      .replace(/avg_ttl=(\d+)/g, (_, ttl) => `avg_ttl=${Math.max(0, Number(ttl) - GUARD_MS)}`);
    const sections = Array.from({ length: request.argc - 1 }, (_, index) =>
      request.text(index + 1).toLowerCase(),
    );
    const wanted = sections.length === 0 || ['mu', 'all', 'everything', 'default'].some((each) => sections.includes(each)); // prettier-ignore
    if (!wanted) return corrected;
    return `${corrected}${corrected === '' ? '' : '\r\n'}${this.#section()}`;
  }

  #section(): string {
    const status = this.#proposer.status();
    const fields: [string, string | number][] = [
      ['mu_replica', status.id],
      ['mu_role', status.role],
      ['mu_leader', status.leader ?? 'none'],
      ['mu_confirmed_followers', status.confirmedFollowers.join(',')],
      ['mu_log_applied', status.applied],
      ['mu_log_first_undecided', status.firstUndecided],
      ['mu_log_tail', status.tail],
      ['mu_log_released', status.released],
      ['mu_log_capacity_bytes', status.capacityBytes],
      ['mu_entries_applied', this.#stateMachine.sequence],
      ['mu_clock_ms', this.#stateMachine.timestampMs],
      ['mu_keys_with_deadline_max', this.#stateMachine.deadlines.size],
    ];
    for (const [name, count] of Object.entries(status.counters)) {
      fields.push([`mu_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`, count]);
    }
    for (const peer of status.peers) {
      const { host, port } = this.#address(peer.id);
      const lag = status.firstUndecided - peer.applied;
      fields.push([
        `mu_peer${peer.id}`,
        `addr=${host}:${port},trusted=${peer.trusted ? 1 : 0},score=${peer.score},lag_bytes=${lag}`,
      ]);
    }
    return `# Mu\r\n${fields.map(([name, value]) => `${name}:${value}\r\n`).join('')}`;
  }

  #holders(): ReplicaId[] {
    const status = this.#proposer.status();
    return status.confirmedFollowers.filter((id) => id !== status.id);
  }

  #address(id: ReplicaId | undefined): Address {
    return (id === undefined ? undefined : this.#addresses.get(id)) ?? { host: '', port: 0 };
  }
}
