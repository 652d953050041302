import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogOffset } from '@mu-smr/log';
import {
  decodeSessionRequest,
  encodeSessionRequest,
  withSessions,
  type SessionId,
  type SessionLimits,
  type SessionMachine,
  type SessionRequest,
  type SessionResult,
} from '../../dist/index.js';
import { add, Adder } from './adder.ts';

const CONTEXT = { at: 64 as LogOffset, index: 0, count: 1, local: false };

/** One replica's machine, with requests applied to it by hand. */
class Bench {
  readonly adder = new Adder();
  readonly machine: SessionMachine;

  constructor(limits: Partial<SessionLimits> = {}) {
    this.machine = withSessions(this.adder, limits);
  }

  ask(request: SessionRequest): SessionResult {
    return this.machine.apply(encodeSessionRequest(request), CONTEXT);
  }

  open(nonce = 7n): SessionId {
    const result = this.ask({ kind: 'open', nonce });
    if (result.kind !== 'opened') throw new Error(result.kind);
    return result.session;
  }

  add(session: SessionId, sequence: number, amount: number): SessionResult {
    return this.ask({ kind: 'numbered', session, sequence, command: add(amount) });
  }
}

const applied = (sum: number, again = false): SessionResult => ({
  kind: 'applied',
  reply: Buffer.from(String(sum)),
  again,
});
const refused = (code: string): object => ({ kind: 'refused', code });
const textOf = (result: SessionResult): object =>
  result.kind === 'applied' ? { ...result, reply: Buffer.from(result.reply).toString() } : result;
const expectSame = (got: SessionResult, want: SessionResult): void =>
  expect(textOf(got)).toEqual(textOf(want));

// protocol.md: "(session, sequence) in the entry, a reply cache in the replicated state".
describe('withSessions', () => {
  it('applies a numbered command once, and answers each retry with the one reply', () => {
    const bench = new Bench();
    const session = bench.open();
    expectSame(bench.add(session, 1, 5), applied(5));
    expectSame(bench.add(session, 2, 10), applied(15));
    expectSame(bench.add(session, 1, 5), applied(5, true));
    expectSame(bench.add(session, 2, 10), applied(15, true));
    expect(bench.adder.applied).toBe(2);
  });

  it('takes the commands of a session in any order', () => {
    const bench = new Bench();
    const session = bench.open();
    expectSame(bench.add(session, 3, 1), applied(1));
    expectSame(bench.add(session, 1, 1), applied(2));
    expectSame(bench.add(session, 3, 1), applied(1, true));
  });

  it('applies a plain command as often as it comes', () => {
    const bench = new Bench();
    for (const sum of [2, 4])
      expectSame(bench.ask({ kind: 'plain', command: add(2) }), applied(sum));
  });

  it('has every replica make the reply of a numbered command', () => {
    const bench = new Bench();
    bench.add(bench.open(), 1, 1);
    expect(bench.adder.unheard).toBe(0);
    bench.ask({ kind: 'plain', command: add(1) });
    expect(bench.adder.unheard).toBe(1);
  });

  it('keeps so many replies per session, and refuses what is older', () => {
    const bench = new Bench({ repliesPerSession: 2 });
    const session = bench.open();
    for (const sequence of [1, 2, 3]) bench.add(session, sequence, 1);
    expect(bench.add(session, 1, 1)).toEqual(refused('REPLY_FORGOTTEN'));
    expectSame(bench.add(session, 2, 1), applied(2, true));
    expect(bench.adder.sum).toBe(3);
  });

  it('evicts the session that was not used for longest, which is refused from then on', () => {
    const bench = new Bench({ sessionsMax: 2 });
    const [first, second] = [bench.open(), bench.open()];
    bench.add(second, 1, 1);
    bench.add(first, 1, 1);
    bench.open();
    expect(bench.machine.sessions).toBe(2);
    expect(bench.add(second, 1, 1)).toEqual(refused('SESSION_EXPIRED'));
    expectSame(bench.add(first, 1, 1), applied(2, true));
    expect(bench.adder.sum).toBe(2);
  });

  it('evicts sessions until their replies fit', () => {
    const bench = new Bench({ replyBytesMax: 4 });
    const [first, second] = [bench.open(), bench.open()];
    bench.add(first, 1, 111);
    bench.add(second, 1, 111);
    expect(bench.add(first, 1, 111)).toEqual(refused('SESSION_EXPIRED'));
    expectSame(bench.add(second, 1, 111), applied(222, true));
  });

  it('gives no number twice, and knows a session by its nonce, too', () => {
    const bench = new Bench();
    const session = bench.open(1n);
    expect(bench.ask({ kind: 'close', session: { ...session, nonce: 2n } })).toEqual(
      refused('SESSION_EXPIRED'),
    );
    expect(bench.ask({ kind: 'close', session })).toEqual({ kind: 'closed' });
    expect(bench.open(1n).number).toBe(session.number + 1);
    expect(bench.add(session, 1, 1)).toEqual(refused('SESSION_EXPIRED'));
  });

  it.each([0, -1, 1.5])('refuses a limit of %d', (sessionsMax) => {
    expect(() => withSessions(new Adder(), { sessionsMax })).toThrow('sessionsMax');
  });
});

// issue: "in snapshots"; a replica that was restored answers retries as all others do.
describe('a snapshot', () => {
  /** The same bytes in pieces of these sizes, the last one again and again. */
  async function* cut(
    chunks: AsyncIterable<Uint8Array>,
    sizes: readonly number[],
  ): AsyncIterable<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    let left = Buffer.concat(parts);
    for (let n = 0; left.length > 0; n++) {
      const size = sizes[Math.min(n, sizes.length - 1)];
      yield left.subarray(0, size);
      left = left.subarray(size);
    }
  }

  it('brings the sessions along, as of the call', async () => {
    const bench = new Bench({ sessionsMax: 2 });
    const [first, second] = [bench.open(1n), bench.open(2n)];
    bench.add(first, 1, 5);
    const snapshot = bench.machine.snapshot();
    bench.add(first, 2, 5);
    const other = new Bench({ sessionsMax: 2 });
    other.open();
    await other.machine.restore(cut(snapshot, [1]));
    expect(other.adder.sum).toBe(5);
    expectSame(other.add(first, 1, 5), applied(5, true));
    expectSame(other.add(first, 2, 5), applied(10));
    // Evictions go on in the same order, and numbers where they were.
    expect(other.open().number).toBe(second.number + 1);
    expect(other.add(second, 1, 1)).toEqual(refused('SESSION_EXPIRED'));
  });

  it('that ends too soon is refused', async () => {
    const bench = new Bench();
    bench.add(bench.open(), 1, 5);
    const parts: Uint8Array[] = [];
    for await (const chunk of bench.machine.snapshot()) parts.push(chunk);
    const whole = Buffer.concat(parts);
    async function* first(length: number): AsyncIterable<Uint8Array> {
      yield whole.subarray(0, length);
    }
    const restored = new Bench();
    for (const length of [0, 15, 40, 60])
      await expect(restored.machine.restore(first(length))).rejects.toMatchObject({
        code: 'STATE_TRANSFER',
      });
  });

  it('restores any state at any cut: both go on alike', async () => {
    const limits = { sessionsMax: 3, repliesPerSession: 2, replyBytesMax: 12 };
    const step = fc.record({ session: fc.nat(4), sequence: fc.integer({ min: 1, max: 5 }) });
    const steps = fc.array(step, { maxLength: 40 });
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(steps, steps, sizes, async (before, after, cuts) => {
        const bench = new Bench(limits);
        const play = (one: Bench, { session: number, sequence }: (typeof before)[0]): object =>
          number === 0
            ? one.ask({ kind: 'open', nonce: 9n })
            : textOf(one.add({ number, nonce: 9n }, sequence, 1));
        for (const one of before) play(bench, one);
        const restored = new Bench(limits);
        await restored.machine.restore(cut(bench.machine.snapshot(), cuts));
        for (const one of after) expect(play(restored, one)).toEqual(play(bench, one));
        expect(restored.adder.sum).toBe(bench.adder.sum);
      }),
    );
  });
});

// I11, against the plainest model there is: a set of all that was ever applied.
describe('any sequence of requests', () => {
  it('applies no (session, sequence) twice, and never answers one in two ways', () => {
    const limits = { sessionsMax: 2, repliesPerSession: 3 };
    const step = fc.record({ session: fc.nat(3), sequence: fc.integer({ min: 1, max: 5 }) });
    let again = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const bench = new Bench(limits);
        const replies = new Map<string, object>();
        for (const { session, sequence } of steps) {
          if (session === 0) bench.open(3n);
          const number = Math.max(1, session);
          const result = bench.add({ number, nonce: 3n }, sequence, 1);
          if (result.kind !== 'applied') continue;
          const key = `${number}/${sequence}`;
          const { reply } = result;
          if (result.again) {
            again++;
            expect(reply).toEqual(replies.get(key));
          } else expect(replies.has(key)).toBe(false);
          replies.set(key, reply);
        }
        expect(bench.adder.applied).toBe(replies.size);
        expect(bench.machine.sessions).toBeLessThanOrEqual(2);
      }),
    );
    expect(again).toBeGreaterThan(50);
  });
});

// Fuzz: whatever stands in a decided entry, every replica does the same with it, and none throws.
describe('any bytes as a request', () => {
  it('are refused alike, or are exactly what a client encodes', () => {
    // Mostly zero, as a header is.
    const byte = fc.oneof(
      { weight: 15, arbitrary: fc.constant(0) },
      fc.integer({ max: 255, min: 0 }),
    );
    const almost = fc
      .tuple(fc.integer({ min: 0, max: 5 }), fc.array(byte, { minLength: 4, maxLength: 40 }))
      .map(([code, tail]) => Uint8Array.of(code, ...tail));
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), almost), (bytes) => {
        const request = decodeSessionRequest(bytes);
        const machine = withSessions({
          apply: () => new Uint8Array(0),
          snapshot: () => [],
          restore: async () => undefined,
        });
        const result = machine.apply(bytes, CONTEXT);
        if (request === undefined) expect(result).toEqual(refused('BAD_REQUEST'));
        else {
          accepted++;
          expect(Buffer.compare(encodeSessionRequest(request), bytes)).toBe(0);
        }
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('every request survives its encoding', () => {
    const number = fc.integer({ min: 1, max: 2 ** 48 - 1 });
    const nonce = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const session = fc.record({ number, nonce });
    const command = fc.uint8Array();
    const request = fc.oneof(
      fc.record({ kind: fc.constant('plain' as const), command }),
      fc.record({ kind: fc.constant('open' as const), nonce }),
      fc.record({ kind: fc.constant('close' as const), session }),
      fc.record({ kind: fc.constant('numbered' as const), session, sequence: number, command }),
    );
    fc.assert(
      fc.property(request, (one) => {
        expect(decodeSessionRequest(encodeSessionRequest(one))).toEqual(one);
      }),
    );
    expect(() =>
      encodeSessionRequest({ kind: 'close', session: { number: 2 ** 48, nonce: 0n } }),
    ).toThrow(RangeError);
  });
});
