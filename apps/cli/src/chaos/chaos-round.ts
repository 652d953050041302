import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Random } from '@mu-smr/simulation';
import { askControl, controlPath } from '../group/control.ts';
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

/** What one round came to. */
export interface RoundResult {
  readonly history: History;
  readonly kills: number;
  /** Stopped processes and blocked event loops. */
  readonly pauses: number;
  readonly digestsEqual: boolean;
}

/** One group, from its start to the end of its last majority: what is done to it, and what clients saw. */
export class ChaosRound {
  readonly #group: LocalGroup;
  readonly #random: Random;
  readonly #signal: AbortSignal;
  readonly #paused = new Map<number, NodeJS.Timeout>();
  #kills = 0;
  #pauses = 0;

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
    const digestsEqual = await this.#converge();
    return { history, kills: this.#kills, pauses: this.#pauses, digestsEqual };
  }

  get #alive(): number[] {
    return this.#group.members.map(({ id }) => id).filter((id) => this.#group.state(id) !== 'dead');
  }

  async #disturb(): Promise<void> {
    const victim = await this.#victim();
    const majority = Math.floor(this.#group.members.length / 2) + 1;
    const what = this.#random.fraction();
    if (what < 0.15 && this.#alive.length > majority) {
      this.#group.signal(victim, 'SIGKILL');
      this.#kills++;
    } else if (what < 0.65) this.#pause(victim, this.#random.pick([1, 10, 50, 400]));
    else {
      const block: BlockEventLoop = { kind: 'block', ms: this.#random.pick([5, 50, 300]) };
      this.#group.tell(victim, block);
      this.#pauses++;
    }
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

  /**
   * Whether all that live come to the same state. One that fell behind every ring waits for a state
   * transfer, which is not there yet, and is left out; what it has must not be asked.
   */
  async #converge(): Promise<boolean> {
    const untilMs = performance.now() + CONVERGE_MS;
    for (;;) {
      const answers = await Promise.all(
        this.#alive.map((id) => askControl(controlPath(this.#group.fabric, id), 1000)),
      );
      const released = Math.max(0, ...answers.map((answer) => answer?.status.released ?? 0));
      const served = answers.filter((answer) => (answer?.status.applied ?? 0) >= released);
      const digests = new Set(served.map((answer) => answer?.digest ?? 'no answer'));
      const enough = served.length > this.#group.members.length / 2;
      if (digests.size === 1 && enough && !digests.has('no answer')) return true;
      if (performance.now() > untilMs) return false;
      await sleep(50, undefined, { signal: this.#signal });
    }
  }
}
