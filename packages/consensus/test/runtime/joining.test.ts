import { afterEach, describe, expect, it } from 'vitest';
import { Replica, type ReplicaOptions, type ReplicaStatus } from '../../dist/index.js';
import { agreement, completeOptions } from '../../src/replica-options.ts';
import { placesOf } from '../../src/runtime/meeting-place.ts';
import { Rendezvous } from '../../src/runtime/rendezvous.ts';
import { command, Journal, temporaryFabric, type TemporaryFabric } from './group.ts';

/** Replicas that come and go, all on one fabric. */
class Changing {
  readonly journals = new Map<number, Journal>();
  readonly replicas = new Map<number, Replica<number>>();
  readonly #fabric: TemporaryFabric = temporaryFabric();
  readonly #options: Partial<ReplicaOptions<number>>;

  constructor(options: Partial<ReplicaOptions<number>>) {
    this.#options = options;
  }

  options(id: number, stateMachine = new Journal()): ReplicaOptions<number> {
    return {
      id,
      replicas: 3,
      group: 'changing',
      secret: 'of the test',
      fabric: this.#fabric.path,
      stateMachine,
      ...this.#options,
    };
  }

  /** Starts a new life of a replica, with nothing in it. */
  async start(id: number): Promise<Replica<number>> {
    const stateMachine = new Journal();
    const replica = new Replica<number>(this.options(id, stateMachine));
    this.journals.set(id, stateMachine);
    this.replicas.set(id, replica);
    await replica.start();
    return replica;
  }

  async end(id: number): Promise<void> {
    await this.replicas.get(id)?.close();
    this.replicas.delete(id);
  }

  async leader(): Promise<Replica<number>> {
    return this.until(() => [...this.replicas.values()].find((replica) => replica.isLeader));
  }

  async decide(text: string): Promise<void> {
    for (;;) {
      const outcome = await (await this.leader()).propose(command(text));
      if (outcome.kind === 'decided') return;
      if (outcome.kind !== 'notLeader') throw new Error(`${text} ended as ${outcome.kind}`);
    }
  }

  /** Waits until every member that runs has applied the same, and these are the members. */
  async agree(members: readonly number[], applied: readonly string[]): Promise<void> {
    await this.until(() =>
      members.every((id) => {
        const status = this.replicas.get(id)?.status();
        const applies = this.journals.get(id)?.applied.length === applied.length;
        return applies && String(status?.members) === String(members);
      }),
    );
    for (const id of members) expect(this.journals.get(id)?.applied).toEqual(applied);
  }

  /** A status that changes tells nothing when: it is looked at, turn after turn. */
  async until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  status(id: number): ReplicaStatus | undefined {
    return this.replicas.get(id)?.status();
  }

  async close(): Promise<void> {
    await Promise.all([...this.replicas.values()].map((replica) => replica.close()));
    this.#fabric.remove();
  }
}

let group: Changing;
afterEach(() => group.close());

// protocol.md, "Membership": "A replica that restarts has lost its memory: it is a new incarnation, joins
// as a learner, gets a snapshot from a follower and the log suffix, and becomes a voter".
describe('a replica that restarts', () => {
  it('comes back with the state of another, votes again, and bears the death of a second one', async () => {
    group = new Changing({});
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    await group.decide('a');
    await group.end(2);
    await group.decide('b');
    const again = await group.start(2);
    await group.decide('c');
    await group.agree([0, 1, 2], ['a', 'b', 'c']);
    expect(again.status()).toMatchObject({ phase: 'running', counters: { statesReceived: 1 } });
    // More than the words of its journal: what came is counted in bytes.
    expect(again.status().counters.stateBytesReceived).toBeGreaterThan(100);

    const { id } = await group.leader();
    await group.end(id);
    await group.decide('d');
    const rest = [0, 1, 2].filter((other) => other !== id);
    for (const other of rest)
      await group.until(() => group.journals.get(other)?.applied.includes('d'));
    await group.start(id);
    await group.agree([0, 1, 2], ['a', 'b', 'c', 'd']);
  });

  it('joins while commands are decided, also over several wraps of a small ring', async () => {
    group = new Changing({
      geometry: { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 },
    });
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    const all: string[] = [];
    let writes = true;
    const writer = (async () => {
      while (writes) {
        const text = `${all.length}`.padEnd(600, '.');
        await group.decide(text);
        all.push(text);
        // All replicas share this event loop: without their turns the ring laps every state on its way.
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await group.until(() => all.length > 200);
    // A follower: what a leader that leaves has posted ends as unknown.
    const { id: leader } = await group.leader();
    const id = leader === 2 ? 1 : 2;
    await group.end(id);
    await group.until(() => all.length > 500);
    await group.start(id);
    await group.until(() => group.status(id)?.votes);
    const then = all.length;
    await group.until(() => all.length > then + 300);
    writes = false;
    await writer;
    await group.agree([0, 1, 2], all);
  });
});

// A replica that starts looks, at those with lower ids, whether the group runs already: perhaps only just.
describe('a look at a group that runs', () => {
  it('changes nothing in it', async () => {
    group = new Changing({});
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    await group.decide('a');
    const leader = await group.leader();
    const self = leader.id === 2 ? 1 : 2;
    const options = completeOptions(group.options(self));
    const looks = new Rendezvous({
      self,
      places: placesOf(options.transport, 3),
      secret: options.secret,
      agreement: agreement(options),
      greeting: () => ({
        incarnation: 77,
        phase: 'founding',
        wants: 'meet',
        leads: false,
        open: false,
      }),
      called: () => undefined,
      disagreed: () => undefined,
    });
    const guest = await looks.call(leader.id, 'meet');
    expect(guest?.greeting.phase).toBe('running');
    const closed = new Promise((resolve) => guest?.lines.release().once('close', resolve));
    guest?.lines.destroy();
    await closed;
    for (const text of ['b', 'c', 'd']) await group.decide(text);
    await group.agree([0, 1, 2], ['a', 'b', 'c', 'd']);
    expect(leader.status().confirmedFollowers).toEqual([0, 1, 2]);
  });
});

describe('the membership', () => {
  it('grows by a replica that was never there, and shrinks by one that is removed', async () => {
    group = new Changing({ slots: 4 });
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    await group.decide('a');
    await group.start(3);
    await group.agree([0, 1, 2, 3], ['a']);

    const leader = await group.leader();
    const victim = [0, 1, 2].find((id) => id !== leader.id) ?? -1;
    const failed = new Promise<Error>(
      (resolve) => void group.replicas.get(victim)?.once('failed', resolve),
    );
    expect(await leader.remove(victim)).toEqual({ kind: 'removed' });
    expect(await failed).toMatchObject({ code: 'REMOVED' });
    await group.end(victim);
    await group.decide('b');
    await group.agree(
      [0, 1, 2, 3].filter((id) => id !== victim),
      ['a', 'b'],
    );
  });

  it('is not changed where that cannot be', async () => {
    group = new Changing({});
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    const leader = await group.leader();
    expect(await leader.remove(leader.id)).toEqual({ kind: 'rejected', reason: 'leads' });
    const [first, second] = [0, 1, 2].filter((id) => id !== leader.id);
    expect(await group.replicas.get(first)?.remove(second)).toMatchObject({ kind: 'notLeader' });
    await group.end(first);
    // A leader notices with its next write.
    await group.decide('a');
    // The other one would be needed for a majority of the two that remain.
    await group.until(() => group.status(leader.id)?.confirmedFollowers.length === 2);
    expect(await leader.remove(second)).toEqual({ kind: 'rejected', reason: 'noMajority' });
    expect(await leader.remove(first)).toEqual({ kind: 'removed' });
  });
});
