import { setTimeout as delay } from 'node:timers/promises';
import type { ReplicaStatus, TimelineStep } from '@mu-smr/consensus';
import { CliError } from '../errors.ts';
import { askControl, controlPath } from '../group/control.ts';
import type { LocalGroup } from '../group/local-group.ts';
import { monotonicUs } from '../output/clock.ts';
import type { StoreClient } from './store-client.ts';

export interface DemonstrationResult {
  readonly killedLeader: number;
  readonly newLeader: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly missing: readonly string[];
  /** From starting the killed replica again until it votes as a new member, in µs. */
  readonly comeBackUs: number;
  /** Killed then, so that the one that came back was needed; who leads after that. */
  readonly secondKilled: number;
  readonly lastLeader: number;
  /** From SIGKILL to the first write that the client saw acknowledged by the new leader, in µs. */
  readonly clientGapUs: number;
  readonly killedAtUs: number;
  readonly timeline: readonly TimelineStep[];
}

/** How many writes before the kill, and after the new leader's first. */
const WRITES_BEFORE = 2000;
const WRITES_AFTER = 1000;
const WAIT_MS = 10_000;

/**
 * Kills the leader with SIGKILL in the middle of writes; starts it again, and kills its successor once it
 * has come back; then looks for every acknowledged write.
 */
export class Demonstration {
  readonly #group: LocalGroup;
  readonly #connectTo: (address: string) => StoreClient;
  readonly #signal: AbortSignal;
  readonly #clients = new Set<StoreClient>();
  readonly #acknowledged = new Map<string, string>();
  #unknown = 0;
  #serial = 0;

  constructor(group: LocalGroup, connect: (address: string) => StoreClient, signal: AbortSignal) {
    this.#group = group;
    this.#connectTo = connect;
    this.#signal = signal;
  }

  /** Rejects with the signal's reason once that is aborted. */
  async run(): Promise<DemonstrationResult> {
    const closeClients = (): void => {
      for (const client of this.#clients) client.close();
    };
    // What they wait for then ends at once.
    this.#signal.addEventListener('abort', closeClients, { once: true });
    try {
      return await this.#run();
    } finally {
      closeClients();
    }
  }

  async #run(): Promise<DemonstrationResult> {
    const leader = await this.leader();
    const writer = this.#connect(this.#address(leader));
    await this.#writeUntil(writer, WRITES_BEFORE);

    // The writes go on while the signal is on its way: some are cut off in the middle.
    const cutOff = this.#writeUntilRefused(writer);
    const killedAtUs = monotonicUs();
    this.#group.signal(leader, 'SIGKILL');
    const others = this.#group.members.filter(({ id }) => id !== leader);
    const gap = await this.#firstAcknowledged(
      others.map(({ client }) => client),
      killedAtUs,
    );
    await cutOff;

    const newLeader = await this.leader();
    const successor = this.#connect(this.#address(newLeader));
    await this.#writeUntil(successor, this.#serial + WRITES_AFTER);
    const answer = await askControl(controlPath(this.#group.fabric, newLeader));

    const comeBackUs = await this.#comeBack(leader);
    this.#group.signal(newLeader, 'SIGKILL');
    const lastLeader = await this.leader(newLeader);
    const last = this.#connect(this.#address(lastLeader));
    await this.#writeUntil(last, this.#serial + WRITES_AFTER);
    const missing = await this.#missing(last);
    return {
      killedLeader: leader,
      newLeader,
      acknowledged: this.#acknowledged.size,
      unknown: this.#unknown,
      missing,
      comeBackUs,
      secondKilled: newLeader,
      lastLeader,
      clientGapUs: gap,
      killedAtUs,
      timeline: answer?.timeline ?? [],
    };
  }

  /** Starts a dead replica again, and waits until it votes: its second life is a member of its own. */
  async #comeBack(id: number): Promise<number> {
    const begin = monotonicUs();
    const dead = (await this.#statusOf(await this.leader()))?.members.length ?? 0;
    await this.#group.restart(id);
    const until = performance.now() + WAIT_MS;
    while (performance.now() < until) {
      this.#signal.throwIfAborted();
      const itself = await this.#statusOf(id);
      const leader = await this.#statusOf(await this.leader());
      const votes = itself?.votes === true && leader?.confirmedFollowers.includes(id) === true;
      if (votes && leader.members.length === dead) return monotonicUs() - begin;
      await delay(5);
    }
    throw new CliError('NO_REJOIN', `replica ${id} did not come back within ${WAIT_MS / 1000} s`);
  }

  async #statusOf(id: number): Promise<ReplicaStatus | undefined> {
    return (await askControl(controlPath(this.#group.fabric, id)))?.status;
  }

  /** The replica that leads now, by its own word; not the one that was just killed. */
  async leader(killed?: number): Promise<number> {
    const until = performance.now() + WAIT_MS;
    while (performance.now() < until) {
      this.#signal.throwIfAborted();
      for (const { id } of this.#group.members) {
        if (id === killed || this.#group.state(id) !== 'running') continue;
        const answer = await askControl(controlPath(this.#group.fabric, id));
        if (answer?.status.role === 'leader') return id;
      }
      await delay(5);
    }
    throw new CliError('NO_LEADER', `no replica led within ${WAIT_MS / 1000} s`);
  }

  #connect(address: string): StoreClient {
    const client = this.#connectTo(address);
    this.#clients.add(client);
    return client;
  }

  #address(id: number): string {
    return this.#group.members[id].client;
  }

  async #write(client: StoreClient): Promise<'acknowledged' | 'refused' | 'unknown'> {
    this.#signal.throwIfAborted();
    const key = `demo:${this.#serial++}`;
    const value = `value of ${key}`;
    const outcome = await client.write(key, value);
    if (outcome === 'acknowledged') this.#acknowledged.set(key, value);
    if (outcome === 'unknown') this.#unknown++;
    return outcome;
  }

  async #writeUntil(client: StoreClient, serial: number): Promise<void> {
    const until = performance.now() + WAIT_MS;
    while (this.#serial < serial && performance.now() < until) {
      const outcomes = await Promise.all(Array.from({ length: 16 }, () => this.#write(client)));
      if (outcomes.every((outcome) => outcome !== 'acknowledged')) await delay(5);
    }
  }

  async #writeUntilRefused(client: StoreClient): Promise<void> {
    while ((await this.#write(client)) === 'acknowledged');
  }

  /** Tries every survivor until one acknowledges; returns how long that took. */
  async #firstAcknowledged(addresses: readonly string[], sinceUs: number): Promise<number> {
    const clients = addresses.map((address) => this.#connect(address));
    const until = performance.now() + WAIT_MS;
    while (performance.now() < until) {
      const outcomes = await Promise.all(clients.map((client) => this.#write(client)));
      if (outcomes.includes('acknowledged')) return monotonicUs() - sinceUs;
      await delay(1);
    }
    throw new CliError(
      'NO_FAILOVER',
      `no survivor acknowledged a write within ${WAIT_MS / 1000} s`,
    );
  }

  async #missing(client: StoreClient): Promise<string[]> {
    const missing: string[] = [];
    const entries = [...this.#acknowledged];
    for (let from = 0; from < entries.length; from += 64) {
      this.#signal.throwIfAborted();
      const slice = entries.slice(from, from + 64);
      const found = await Promise.all(slice.map(([key]) => client.read(key)));
      for (const [n, [key, value]] of slice.entries()) if (found[n] !== value) missing.push(key);
    }
    return missing;
  }
}
