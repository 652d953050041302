import { describe, expect, it } from 'vitest';
import {
  encodeSessionRequest,
  Replica,
  Session,
  withSessions,
  type SessionAttempt,
  type SessionRequest,
  type SessionResult,
} from '../../dist/index.js';
import { temporaryFabric } from '../runtime/group.ts';
import { add, Adder } from './adder.ts';

const decided = (result: SessionResult): ReturnType<SessionAttempt> =>
  Promise.resolve({ kind: 'decided', result });

/** Answers of a group that is played here: what is asked, and what the test lets it say. */
describe('Session', () => {
  const session = { number: 3, nonce: 1n };
  const opened: SessionResult = { kind: 'opened', session };
  const reply = (text: string): SessionResult => ({
    kind: 'applied',
    reply: Buffer.from(text),
    again: false,
  });

  it('asks again under the same number until the outcome is known', async () => {
    const asked: SessionRequest[] = [];
    const client = await Session.open(
      (request) => {
        asked.push(request);
        if (asked.length === 1) return decided(opened);
        if (asked.length === 2) return Promise.resolve({ kind: 'unknown', reason: 'closed' });
        if (asked.length === 3) return Promise.reject(new Error('the connection broke'));
        if (asked.length === 4) return Promise.resolve({ kind: 'notLeader', leader: 1 });
        return decided(reply('done'));
      },
      { retryMs: 1 },
    );
    expect(Buffer.from(await client.call(add(1))).toString()).toBe('done');
    expect(asked.slice(1).map((one) => one.kind === 'numbered' && one.sequence)).toEqual([
      1, 1, 1, 1,
    ]);
  });

  it('never has more under way than replies are kept for', async () => {
    const answers = new Map<number, () => void>();
    const attempt: SessionAttempt = (request) => {
      if (request.kind !== 'numbered') return decided(opened);
      const { sequence } = request;
      return new Promise((resolve) => {
        answers.set(sequence, () => resolve({ kind: 'decided', result: reply(`${sequence}`) }));
      });
    };
    const client = await Session.open(attempt, { repliesPerSession: 2 });
    const calls = [1, 2, 3].map((amount) => client.call(add(amount)));
    await new Promise(setImmediate);
    expect([...answers.keys()]).toEqual([1, 2]);
    // The second does not make room: the first one's reply must still be kept.
    answers.get(2)?.();
    await calls[1];
    await new Promise(setImmediate);
    expect([...answers.keys()]).toEqual([1, 2]);
    answers.get(1)?.();
    await calls[0];
    await new Promise(setImmediate);
    expect([...answers.keys()]).toEqual([1, 2, 3]);
    answers.get(3)?.();
    expect(Buffer.from(await calls[2]).toString()).toBe('3');
  });

  it.each(['SESSION_EXPIRED', 'BAD_REQUEST'] as const)(
    'rejects with %s, and does not retry',
    async (code) => {
      let calls = 0;
      const client = await Session.open((request) =>
        request.kind === 'open' ? decided(opened) : (calls++, decided({ kind: 'refused', code })),
      );
      await expect(client.call(add(1))).rejects.toMatchObject({ name: 'SessionError', code });
      expect(calls).toBe(1);
    },
  );

  it('gives up when it is told to, also while it waits for its turn', async () => {
    const client = await Session.open(
      (request) =>
        request.kind === 'open'
          ? decided(opened)
          : Promise.resolve({ kind: 'notLeader', leader: undefined }),
      { repliesPerSession: 1, retryMs: 1 },
    );
    const stop = new AbortController();
    const calls = [client.call(add(1), stop.signal), client.call(add(2), stop.signal)];
    stop.abort(new Error('enough'));
    for (const call of calls) await expect(call).rejects.toThrow(/enough|aborted/);
  });
});

/** Replicas of an adder with sessions, and a client that asks whichever it likes. */
class AdderGroup implements AsyncDisposable {
  readonly adders: Adder[] = [];
  readonly machines: ReturnType<typeof withSessions>[] = [];
  readonly replicas: Replica<SessionResult>[] = [];
  readonly #fabric = temporaryFabric();
  #turn = 0;

  async start(id: number): Promise<void> {
    this.adders[id] = new Adder();
    this.machines[id] = withSessions(this.adders[id]);
    this.replicas[id] = new Replica({
      id,
      replicas: 3,
      group: 'sessions',
      secret: 'of the test',
      fabric: this.#fabric.path,
      stateMachine: this.machines[id],
    });
    await this.replicas[id].start();
  }

  /** Not only at the leader: wherever it is its turn. */
  readonly attempt: SessionAttempt = (request) =>
    this.replicas[this.#turn++ % 3].propose(encodeSessionRequest(request));

  /** Like `attempt`, but often the answer gets lost on its way: the client does not know that it was done. */
  readonly forgetful: SessionAttempt = async (request) => {
    const outcome = await this.attempt(request, undefined);
    if (request.kind === 'numbered' && this.#turn % 2 === 0) throw new Error('lost');
    return outcome;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.close()));
    this.#fabric.remove();
  }
}

// protocol.md, faults: "client retries at another replica"; I11.
describe('sessions over a real group', () => {
  it('apply each command once, over lost answers, a dead leader and a replica that came back', async () => {
    await using group = new AdderGroup();
    await Promise.all([0, 1, 2].map((id) => group.start(id)));
    const client = await Session.open(group.forgetful, { retryMs: 1 });

    let expected = 0;
    const replies: number[] = [];
    const addAll = async (amounts: readonly number[]): Promise<void> => {
      await Promise.all(
        amounts.map(async (amount) => {
          expected += amount;
          replies.push(Number(Buffer.from(await client.call(add(amount))).toString()));
        }),
      );
    };
    await addAll([1, 2, 3, 4, 5, 6, 7, 8]);
    const under = addAll([10, 20, 30, 40, 50, 60, 70, 80]);
    const leader = group.replicas.findIndex((replica) => replica.isLeader);
    await group.replicas[leader].close();
    await under;
    await group.start(leader);
    await addAll([100, 200, 300, 400]);

    // Each sum is another one, and the largest is all of them.
    expect(new Set(replies).size).toBe(20);
    expect(Math.max(...replies)).toBe(expected);
    const settled = (): boolean => group.adders.every(({ sum }) => sum === expected);
    while (!settled()) await new Promise(setImmediate);
    expect(group.adders.map(({ applied }) => applied)).toEqual([20, 20, 20]);
    const [first, ...others] = group.machines.map((machine) => machine.record());
    for (const other of others) expect(other).toEqual(first);
    await client.close();
  });
});
