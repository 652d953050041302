import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Random } from '@mu-smr/simulation';
import { askControl, askTransfer, controlPath } from '../group/control.ts';
import { LocalGroup } from '../group/local-group.ts';
import { ChaosClients } from './chaos-clients.ts';
import type { BlockEventLoop } from './chaos-replica.ts';
import { History } from './history.ts';

const CLIENTS = 6;
const KEYS = ['a', 'b', 'c', 'd', 'e'];
/** A small ring: it wraps within a round. */
const LOG_BYTES = 4 * 1024 * 1024;
/** How long equal digests are waited for; a loaded machine takes its time. */
const CONVERGE_MS = 20_000;

/** A leader that is stopped or killed meanwhile answers late or never. */
const TRANSFER_MS = 500;

/** What one round came to. */
export interface RoundResult {
  readonly history: History;
  readonly kills: number;
  /** Killed replicas that came back. */
  readonly restarts: number;
  /** Stopped processes and blocked event loops. */
  readonly pauses: number;
  /** Leaders that handed over. */
  readonly transfers: number;
  readonly digestsEqual: boolean;
}

/** One group, from its start to the end of its last majority: what is done to it, and what clients saw. */
export class ChaosRound {
  readonly #group: LocalGroup;
  readonly #random: Random;
  readonly #signal: AbortSignal;
  readonly #paused = new Map<number, NodeJS.Timeout>();
  readonly #restarting = new Set<Promise<void>>();
  #kills = 0;
  #restarts = 0;
  #pauses = 0;
  #transfers = 0;

  private constructor(group: LocalGroup, random: Random, signal: AbortSignal) {
    this.#group = group;
    this.#random = random;
    this.#signal = signal;
  }

  /** Starts a group, lets chaos loose on it for a while, and looks at what is left. */
  static async run(
    name: string,
    random: Random,
    ms: number,
    signal: AbortSignal,
  ): Promise<RoundResult> {
    const group = await LocalGroup.start({
      name,
      application: 'kv',
      replicas: random.chance(0.7) ? 3 : 5,
      logCapacityBytes: LOG_BYTES,
      program: fileURLToPath(new URL('./chaos-replica.js', import.meta.url)),
      signal,
    });
    try {
      return await new ChaosRound(group, random, signal).#run(ms);
    } finally {
      await group.close();
    }
  }

  async #run(ms: number): Promise<RoundResult> {
    const history = new History();
    const addresses = this.#group.members.map(({ client }) => client);
    const randoms = Array.from({ length: CLIENTS }, (_, n) => this.#random.fork(`client ${n}`));
    const clients = new ChaosClients(history, addresses, KEYS, randoms);
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs) {
      await sleep(this.#random.between(20, 500), undefined, { signal: this.#signal });
      await this.#disturb();
    }
    for (const id of [...this.#paused.keys()]) this.#resume(id);
    await clients.stop();
    await Promise.all(this.#restarting);
    const digestsEqual = await this.#converge();
    const transfers = this.#transfers;
    const done = { kills: this.#kills, restarts: this.#restarts, pauses: this.#pauses, transfers };
    return { history, ...done, digestsEqual };
  }

  get #alive(): number[] {
    return this.#group.members.map(({ id }) => id).filter((id) => this.#group.state(id) !== 'dead');
  }

  async #disturb(): Promise<void> {
    const victim = await this.#victim();
    const what = this.#random.fraction();
    if (what < 0.15) {
      if (!(await this.#bears(victim))) return;
      this.#group.signal(victim, 'SIGKILL');
      this.#kills++;
    } else if (what < 0.3) this.#restartOne();
    else if (what < 0.4) await this.#transfer(victim);
    else if (what < 0.7) this.#pause(victim, this.#random.pick([1, 10, 50, 400]));
    else {
      const block: BlockEventLoop = { kind: 'block', ms: this.#random.pick([5, 50, 300]) };
      this.#group.tell(victim, block);
      this.#pauses++;
    }
  }

  /**
   * Whether the group lives on without this replica, by the word of everybody else: all who vote know
   * the same members, and a majority of them is left that the leader writes to.
   */
  async #bears(victim: number): Promise<boolean> {
    const rest = this.#alive.filter((id) => id !== victim);
    const answers = await Promise.all(
      rest.map((id) => askControl(controlPath(this.#group.fabric, id))),
    );
    const voters = answers.flatMap((answer) => (answer?.status.votes === true ? [answer] : []));
    const [first] = voters;
    if (first === undefined) return false;
    const { members } = first.status;
    const agreed = voters.every(({ status }) => String(status.members) === String(members));
    const all = await askControl(controlPath(this.#group.fabric, victim));
    if (!agreed || (all?.status.votes === true && String(all.status.members) !== String(members)))
      return false;
    return voters.length > members.length / 2;
  }

  /** Brings a dead replica back; chaos goes on meanwhile. */
  #restartOne(): void {
    const dead = this.#group.members.filter(({ id }) => this.#group.state(id) === 'dead');
    if (dead.length === 0) return;
    const begun = this.#group.restart(this.#random.pick(dead).id).then(
      () => void this.#restarts++,
      // It was killed before it came up.
      () => undefined,
    );
    this.#restarting.add(begun);
    void begun.finally(() => this.#restarting.delete(begun));
  }

  /** Half of the time whoever leads, else anybody. */
  async #victim(): Promise<number> {
    const alive = this.#alive;
    const anybody = this.#random.pick(alive);
    if (this.#random.chance(0.5)) return anybody;
    const answer = await askControl(controlPath(this.#group.fabric, anybody));
    const leader = answer?.status.leader;
    return leader !== undefined && alive.includes(leader) ? leader : anybody;
  }

  /** Has a replica hand over, should it lead. */
  async #transfer(leader: number): Promise<void> {
    const path = controlPath(this.#group.fabric, leader);
    const outcome = await askTransfer(path, undefined, TRANSFER_MS);
    if (outcome?.kind === 'transferred') this.#transfers++;
  }

  #pause(id: number, ms: number): void {
    if (this.#paused.has(id)) return;
    this.#group.signal(id, 'SIGSTOP');
    this.#pauses++;
    this.#paused.set(
      id,
      setTimeout(() => this.#resume(id), ms),
    );
  }

  #resume(id: number): void {
    clearTimeout(this.#paused.get(id));
    this.#paused.delete(id);
    this.#group.signal(id, 'SIGCONT');
  }

  /** Whether all that live come to the same state, those that came back included. */
  async #converge(): Promise<boolean> {
    const untilMs = performance.now() + CONVERGE_MS;
    for (;;) {
      const answers = await Promise.all(
        this.#alive.map((id) => askControl(controlPath(this.#group.fabric, id), 1000)),
      );
      if (answers.some((answer) => (answer?.status.counters.divergences ?? 0) > 0)) return false;
      const digests = new Set(answers.map((answer) => answer?.digest ?? 'no answer'));
      const enough = answers.length > this.#group.members.length / 2;
      if (digests.size === 1 && enough && !digests.has('no answer')) return true;
      if (performance.now() > untilMs) return false;
      await sleep(50, undefined, { signal: this.#signal });
    }
  }
}
