import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Replica, type Divergence, type ReplicaOptions } from '../../dist/index.js';
import { command, Journal, temporaryFabric } from './group.ts';

/** A journal that tells its digest; one that is astray notes the time, which differs everywhere. */
class DigestingJournal extends Journal {
  astray = false;

  override apply(bytes: Uint8Array): number {
    if (this.astray) this.applied.push(`at ${process.hrtime.bigint()}`);
    return super.apply(bytes);
  }

  digest(): string {
    return JSON.stringify(this.applied);
  }
}

class Group implements AsyncDisposable {
  readonly journals: DigestingJournal[] = [];
  readonly replicas: Replica<number>[] = [];
  /** What was told, by whom. */
  readonly told: (Divergence & { readonly id: number })[] = [];
  readonly #fabric = temporaryFabric();

  async start(id: number, options: Partial<ReplicaOptions<number>> = {}): Promise<void> {
    this.journals[id] = new DigestingJournal();
    this.replicas[id] = new Replica({
      id,
      replicas: 3,
      group: 'divergence',
      secret: 'of the test',
      fabric: this.#fabric.path,
      stateMachine: this.journals[id],
      tuning: { digestIntervalBytes: 1000 },
      ...options,
    });
    this.replicas[id].on('diverged', (divergence) => this.told.push({ id, ...divergence }));
    await this.replicas[id].start();
  }

  async leader(): Promise<Replica<number>> {
    for (;;) {
      const leading = this.replicas.find((replica) => replica.isLeader);
      if (leading !== undefined) return leading;
      await Promise.race(this.replicas.map((replica) => once(replica, 'role')));
    }
  }

  /** So many decided commands. */
  async decide(commands: number): Promise<void> {
    for (let decided = 0; decided < commands;) {
      const outcome = await (await this.leader()).propose(command('something to remember'));
      if (outcome.kind === 'decided') decided++;
    }
  }

  /** Lets the group work until something is so. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.decide(1);
  }

  compared(id: number): number {
    return this.replicas[id].status().counters.digestsCompared;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.close()));
    this.#fabric.remove();
  }
}

// issue: "state hash at given offsets compared across replicas, loud when it differs".
describe('the divergence detector', () => {
  it('compares again and again, and is silent while states are equal; also after a restart', async () => {
    await using group = new Group();
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    await group.until(() => [0, 1, 2].every((id) => group.compared(id) >= 3));
    const leader = (await group.leader()).id;
    await group.replicas[leader].close();
    await group.start(leader);
    await group.until(() => [0, 1, 2].every((id) => group.compared(id) >= 6));
    expect(group.told).toEqual([]);
    for (const replica of group.replicas) {
      expect(replica.status().counters.divergences).toBe(0);
      expect(replica.status().diverged).toBeUndefined();
    }
  });

  it('tells of a follower whose apply is not deterministic, there and with the offset', async () => {
    await using group = new Group();
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    await group.decide(1);
    const leader = (await group.leader()).id;
    const stray = (leader + 1) % 3;
    group.journals[stray].astray = true;
    await group.until(() => group.told.length > 0);
    const [first] = group.told;
    expect(first).toMatchObject({ id: stray, by: leader });
    expect(first.own).not.toBe(first.digest);
    expect(first.own).toMatch(/^[0-9a-f]{48}$/);
    const { diverged, counters, applied } = group.replicas[stray].status();
    expect(diverged).toMatchObject({ by: leader });
    expect(first.at).toBeLessThan(applied);
    expect(counters.divergences).toBeGreaterThan(0);
    const other = 3 - leader - stray;
    await group.until(() => group.compared(other) > 0);
    expect(group.replicas[other].status().counters.divergences).toBe(0);
  });

  it('has the others tell when it is the leader who went astray', async () => {
    await using group = new Group();
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    await group.decide(1);
    const leader = (await group.leader()).id;
    group.journals[leader].astray = true;
    const others = [0, 1, 2].filter((id) => id !== leader);
    await group.until(() => others.every((id) => group.told.some((one) => one.id === id)));
    expect(group.told.every(({ id, by }) => id !== leader && by === leader)).toBe(true);
  });

  it('writes nothing to the log when it is off', async () => {
    await using group = new Group();
    const off = { tuning: { digestIntervalBytes: 0 } };
    await Promise.all([0, 1, 2].map((id) => group.start(id, off)));
    group.journals.forEach((journal) => (journal.astray = true));
    await group.decide(50);
    const leader = await group.leader();
    const { tail, counters } = leader.status();
    // Commands of 21 bytes, 128 bytes of log each, and nothing between them.
    expect(tail).toBe(counters.appliedCommands * 128);
    expect(counters.digestsCompared).toBe(0);
    expect(group.told).toEqual([]);
  });
});
