import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Random } from '@mu-smr/simulation';
import { askControl, askTransfer, controlPath, type ControlAnswer } from '../group/control.ts';
import { LocalGroup } from '../group/local-group.ts';
import { ChaosChanges, type ChangeCounts } from './chaos-changes.ts';
import { ChaosClients } from './chaos-clients.ts';
import type { BlockEventLoop } from './chaos-replica.ts';
import { canLose } from './failure-budget.ts';
import { History } from './history.ts';

const CLIENTS = 6;
const KEYS = ['a', 'b', 'c', 'd', 'e'];
/** A small ring: it wraps within a round. */
const LOG_BYTES = 4 * 1024 * 1024;
/** For how many more replicas there is room. */
const SPARES = 2;
/** How long equal digests are waited for; a loaded machine takes its time. */
const CONVERGE_MS = 20_000;
/** A leader that is stopped or killed meanwhile answers late or never. */
const TRANSFER_MS = 500;

/** The last word of each replica, by its id. */
export type Disagreement = Readonly<Record<number, ControlAnswer | 'no answer'>>;

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
  readonly changes: ChangeCounts;
  /** What each that ran at the end said last, if they did not all come to the same state, and to a vote. */
  readonly disagreement: Disagreement | undefined;
}

/** One group, from its start to its end: what is done to it, and what clients saw. */
export class ChaosRound {
  readonly #group: LocalGroup;
  readonly #random: Random;
  readonly #signal: AbortSignal;
  readonly #paused = new Map<number, NodeJS.Timeout>();
  readonly #restarting = new Set<Promise<void>>();
  readonly #changes: ChaosChanges;
  #kills = 0;
  #restarts = 0;
  #pauses = 0;
  #transfers = 0;

  private constructor(group: LocalGroup, random: Random, signal: AbortSignal) {
    this.#group = group;
    this.#random = random;
    this.#signal = signal;
    this.#changes = new ChaosChanges(group);
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
      spares: SPARES,
      logCapacityBytes: LOG_BYTES,
      program: fileURLToPath(new URL('./chaos-replica.js', import.meta.url)),
      signal,
    });
    const round = new ChaosRound(group, random, signal);
    try {
      return await round.#run(ms);
    } finally {
      round.#changes.abort();
      await group.close();
      await round.#changes.finish();
    }
  }

  async #run(ms: number): Promise<RoundResult> {
    const history = new History();
    const addresses = (): string[] => this.#group.members.map(({ client }) => client);
    const randoms = Array.from({ length: CLIENTS }, (_, n) => this.#random.fork(`client ${n}`));
    const clients = new ChaosClients(history, addresses, KEYS, randoms);
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs) {
      await sleep(this.#random.between(20, 500), undefined, { signal: this.#signal });
      await this.#disturb();
    }
    for (const id of [...this.#paused.keys()]) this.#resume(id);
    await this.#changes.finish();
    await clients.stop();
    await Promise.all(this.#restarting);
    const disagreement = await this.#converge();
    const done = { kills: this.#kills, restarts: this.#restarts, pauses: this.#pauses };
    const { counts: changes } = this.#changes;
    return { history, ...done, transfers: this.#transfers, changes, disagreement };
  }

  get #alive(): number[] {
    return this.#all.filter((id) => this.#group.state(id) !== 'dead');
  }

  get #all(): number[] {
    return this.#group.members.map(({ id }) => id);
  }

  async #disturb(): Promise<void> {
    const what = this.#random.fraction();
    if (what < 0.12) this.#changes.begin(this.#random, await this.#candidate());
    else if (what < 0.24) this.#restartOne();
    else {
      const victim = await this.#victim();
      // It may have left while we asked who leads.
      if (this.#alive.includes(victim)) await this.#harm(victim);
    }
  }

  async #harm(victim: number): Promise<void> {
    const what = this.#random.fraction();
    if (what < 0.2) await this.#kill(victim);
    else if (what < 0.33) await this.#transfer(victim);
    else if (what < 0.66) this.#pause(victim, this.#random.pick([1, 10, 50, 400]));
    else {
      const block: BlockEventLoop = { kind: 'block', ms: this.#random.pick([5, 50, 300]) };
      this.#group.tell(victim, block);
      this.#pauses++;
    }
  }

  /** Kills a replica, unless the group would not live on without it. */
  async #kill(victim: number): Promise<void> {
    const running = this.#alive;
    const answers = await Promise.all(
      running.map((id) => askControl(controlPath(this.#group.fabric, id))),
    );
    const statuses = answers.flatMap((answer) => (answer === undefined ? [] : [answer.status]));
    const { leaving, joining } = this.#changes;
    const possible = [...new Set([...this.#all, ...leaving, ...joining])];
    // What runs may have changed while we asked.
    const rest = { statuses, running: this.#alive, possible, leaving };
    if (!this.#alive.includes(victim) || !canLose(victim, rest)) return;
    this.#group.signal(victim, 'SIGKILL');
    this.#kills++;
  }

  /** Brings a dead replica back; chaos goes on meanwhile. */
  #restartOne(): void {
    const alive = this.#alive;
    const dead = this.#all.filter((id) => !alive.includes(id) && !this.#changes.concerns(id));
    if (dead.length === 0) return;
    const begun = this.#group.restart(this.#random.pick(dead)).then(
      () => void this.#restarts++,
      // It was killed before it came up.
      () => undefined,
    );
    this.#restarting.add(begun);
    void begun.finally(() => this.#restarting.delete(begun));
  }

  /** Who may have to leave: often whoever leads, also one that is dead. */
  async #candidate(): Promise<number> {
    return this.#random.chance(0.5) ? this.#random.pick(this.#all) : this.#victim();
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
    if (this.#all.includes(id)) this.#group.signal(id, 'SIGCONT');
  }

  /** Waits until all that live are in the same state and vote, those that came back or were added too. */
  async #converge(): Promise<Disagreement | undefined> {
    const untilMs = performance.now() + CONVERGE_MS;
    for (;;) {
      const ids = this.#alive;
      const answers = await Promise.all(
        ids.map((id) => askControl(controlPath(this.#group.fabric, id), 1000)),
      );
      const diverged = answers.some((answer) => (answer?.status.counters.divergences ?? 0) > 0);
      if (!diverged && converged(answers)) return undefined;
      if (diverged || performance.now() > untilMs)
        return Object.fromEntries(ids.map((id, n) => [id, answers[n] ?? 'no answer']));
      await sleep(50, undefined, { signal: this.#signal });
    }
  }
}

/** Whether all have answered the same, and are the members or more than half of them. */
function converged(answers: readonly (ControlAnswer | undefined)[]): boolean {
  const [first] = answers;
  return (
    first?.digest !== undefined &&
    answers.length > first.status.members.length / 2 &&
    answers.every(
      (answer) =>
        answer?.status.votes === true &&
        answer.digest === first.digest &&
        String(answer.status.members) === String(first.status.members),
    )
  );
}
