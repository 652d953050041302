import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Answer, Asked, Proposed, StateReport } from './messages.ts';

const PROGRAM = fileURLToPath(new URL('./replica-program.js', import.meta.url));
const REPLICAS = 3;
const POLL_MS = 50;
let nextPort = 7100;

/** One replica's process. */
export class Member {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  constructor(id: number) {
    this.id = id;
    this.#child = fork(PROGRAM, { execArgv: [] });
    this.#child.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    this.#child.once('exit', (code, signal) => {
      for (const answer of this.#waiting.values())
        answer({ id: 0, error: `replica ${id} ended: ${code} ${signal}` });
    });
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  ready(): Promise<void> {
    return this.#answer<void>(0);
  }

  ask<Result>(asked: Asked): Promise<Result> {
    const id = ++this.#asked;
    const answer = this.#answer<Result>(id);
    this.#child.send({ id, asked });
    return answer;
  }

  report(): Promise<StateReport> {
    return this.ask({ action: 'report' });
  }

  propose(commands: readonly string[], concurrency = 8): Promise<Proposed> {
    return this.ask({ action: 'propose', commands, concurrency });
  }

  async kill(): Promise<void> {
    if (!this.alive) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** Stops every thread of the process, and returns when the kernel says so. */
  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP');
    const stat = `/proc/${this.#child.pid}/stat`;
    await until(
      () => 'the process is stopped',
      () => /\) T /.test(readFileSync(stat, 'utf8')),
    );
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  #answer<Result>(id: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ error, result }) => {
        this.#waiting.delete(id);
        if (error === undefined) resolve(result as Result);
        else reject(new Error(error));
      });
    });
  }
}

/** Three replicas, each on a device of its own. */
export class Group {
  readonly members: Member[];
  readonly #ports: readonly number[];
  /** Every command that was acknowledged. */
  readonly acknowledged: string[] = [];
  /** The longest that an acknowledged command took since this was set to 0. */
  longestMs = 0;
  #named = 0;

  private constructor() {
    this.members = Array.from({ length: REPLICAS }, (_, id) => new Member(id));
    this.#ports = this.members.map(() => nextPort++);
  }

  static async start(): Promise<Group> {
    const group = new Group();
    await Promise.all(group.members.map((member) => member.ready()));
    await Promise.all(group.members.map((member) => group.#run(member)));
    return group;
  }

  /** A new process on the device of one that was killed; returns when it has got a state. */
  async restart(dead: Member): Promise<Member> {
    const member = new Member(dead.id);
    this.members[dead.id] = member;
    await member.ready();
    await this.#run(member);
    return member;
  }

  #run(member: Member): Promise<void> {
    return member.ask({
      action: 'start',
      id: member.id,
      replicas: REPLICAS,
      device: `rxe${member.id}:1:1`,
      ports: this.#ports,
    });
  }

  /** The leader among these, once it has said so; and how long that took. */
  async leader(among = this.members): Promise<{ leader: Member; ms: number }> {
    const began = performance.now();
    let leader: Member | undefined;
    let reports: StateReport[] = [];
    await until(
      () => `somebody leads: ${JSON.stringify(reports)}`,
      async () => {
        reports = await Promise.all(among.map((member) => member.report()));
        leader = among.find((_, n) => reports[n].role === 'leader');
        return leader !== undefined;
      },
    );
    return { leader: leader!, ms: performance.now() - began };
  }

  /** New commands, different from all before. */
  name(count: number): string[] {
    return Array.from({ length: count }, () => `key${this.#named % 97}=${this.#named++}`);
  }

  /** Has a member propose new commands, and keeps what was acknowledged. */
  async propose(member: Member, count: number, concurrency?: number): Promise<Proposed> {
    const result = await member.propose(this.name(count), concurrency);
    this.acknowledged.push(...result.decided);
    this.longestMs = Math.max(this.longestMs, result.longestMs);
    return result;
  }

  /** Waits until somebody leads and writes to all three logs, and returns who. On a busy machine leaders change. */
  async complete(): Promise<Member> {
    let leader: Member | undefined;
    let reports: StateReport[] = [];
    await until(
      () => `all three logs are written: ${JSON.stringify(reports)}`,
      async () => {
        reports = await Promise.all(this.members.map((member) => member.report()));
        leader = this.members.find(
          (_, n) =>
            reports[n].role === 'leader' && reports[n].confirmedFollowers.length === REPLICAS,
        );
        return leader !== undefined;
      },
    );
    return leader!;
  }

  /** Has whoever leads among these decide that many new commands, also over a change of leaders. */
  async decide(count: number, among = this.members): Promise<Member> {
    for (let left = count; ;) {
      const { leader } = await this.leader(among);
      left -= (await this.propose(leader, left)).decided.length;
      if (left === 0) return leader;
    }
  }

  /** Waits until these members have applied the same; returns their reports. */
  async converge(among = this.members): Promise<StateReport[]> {
    let reports: StateReport[] = [];
    await until(
      () => `all have applied the same: ${JSON.stringify(reports)}`,
      async () => {
        reports = await Promise.all(among.map((member) => member.report()));
        return reports.every(({ order }) => order === reports[0].order);
      },
    );
    return reports;
  }

  /** What was acknowledged and is not there, by member. */
  async lost(among = this.members): Promise<string[]> {
    const missing = await Promise.all(
      among.map((member) =>
        member.ask<string[]>({ action: 'missing', commands: this.acknowledged }),
      ),
    );
    return missing.flat();
  }

  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }
}

/** Looks again and again; rejects with `what` after `limitMs`. */
export async function until(
  what: () => string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what()}`);
    await delay(POLL_MS);
  }
}
