import { describe, expect, it } from 'vitest';
import { CompletionEntry } from '../../src/index.ts';
import {
  closePair,
  completion,
  connect,
  EVERYTHING,
  fill,
  join,
  readRequest,
  run,
  Side,
  writeRequest,
  type ProviderFixture,
} from './harness.ts';

const refusal = (code: string) => expect.objectContaining({ name: 'VerbsError', code });

/** Order, accounting, and the limits of send rings, send queues and completion queues. */
export function queueCases(fixture: () => ProviderFixture): void {
  describe('queues', () => {
    orderCases(fixture);
    accountingCases(fixture);
    closingCases(fixture);
    limitCases(fixture);
    ringCases(fixture);
  });
}

function orderCases(fixture: () => ProviderFixture): void {
  it('completes in posted order, and operations take effect in posted order', () => {
    const pair = connect(fixture(), { a: { sendQueueDepth: 64 } });
    const { bytes } = pair.a.region;
    // 64 writes of different sizes over the same place: the last one must be what stays.
    for (let n = 0; n < 64; n++) {
      const length = 20 + ((n * 7) % 12);
      bytes.fill(n + 1, n * 32, n * 32 + length);
      pair.a.queuePair.postSend({
        kind: 'write',
        workRequestId: n,
        local: { region: pair.a.region, offset: n * 32, length },
        remote: { remoteKey: pair.b.region.remoteKey, offset: 8 },
      });
    }
    pair.a.queuePair.doorbell();
    for (let n = 0; n < 64; n++)
      expect(completion(fixture(), pair.a)).toMatchObject({
        status: 'success',
        workRequestIdLow: n,
        workRequestIdHigh: 0,
        queuePairNumber: pair.a.queuePair.endpoint.queuePairNumber,
      });
    expect(pair.b.region.bytes.subarray(8, 28).every((byte) => byte === 64)).toBe(true);
    closePair(pair);
  });

  it('reads after a write on the same queue pair what was written', () => {
    const pair = connect(fixture());
    fill(pair.a.region.bytes.subarray(0, 512), 9);
    pair.a.queuePair.postSend(writeRequest(pair, 0, 512));
    pair.a.queuePair.postSend({
      kind: 'read',
      local: { region: pair.a.region, offset: 1024, length: 512 },
      remote: { remoteKey: pair.b.region.remoteKey, offset: 0 },
    });
    pair.a.queuePair.doorbell();
    expect(completion(fixture(), pair.a)).toMatchObject({ status: 'success', opcode: 'rdmaWrite' });
    expect(completion(fixture(), pair.a)).toMatchObject({ status: 'success', opcode: 'rdmaRead' });
    const { bytes } = pair.a.region;
    expect(Buffer.compare(bytes.subarray(0, 512), bytes.subarray(1024, 1536))).toBe(0);
    closePair(pair);
  });

  it('does nothing before the doorbell', () => {
    const pair = connect(fixture());
    pair.a.region.bytes.fill(7);
    pair.a.queuePair.postSend(writeRequest(pair, 0, 64));
    for (let n = 0; n < 100; n++) fixture().advance();
    expect(pair.b.region.bytes.every((byte) => byte === 0)).toBe(true);
    expect(pair.a.queue.poll()).toBe(0);
    pair.a.queuePair.doorbell();
    expect(completion(fixture(), pair.a).status).toBe('success');
    closePair(pair);
  });

  it('returns work request ids of 53 bits untouched', () => {
    const pair = connect(fixture());
    const id = Number.MAX_SAFE_INTEGER - 12_345;
    const done = run(fixture(), pair.a, writeRequest(pair, 0, 1, { workRequestId: id }));
    expect(done.workRequestIdHigh * 2 ** 32 + done.workRequestIdLow).toBe(id);
    closePair(pair);
  });
}

function accountingCases(fixture: () => ProviderFixture): void {
  it('counts unsignalled successes in `retired` of the next completion', () => {
    const pair = connect(fixture());
    for (const unsignaled of [0, 1, 5]) {
      for (let n = 0; n < unsignaled; n++)
        pair.a.queuePair.postSend(writeRequest(pair, n, 1, { signaled: false }));
      pair.a.queuePair.postSend(writeRequest(pair, 0, 8, { workRequestId: 77 }));
      expect(pair.a.queuePair.outstanding).toBe(unsignaled + 1);
      pair.a.queuePair.doorbell();
      while (pair.a.queue.poll() === 0 && fixture().advance());
      expect(pair.a.queue.poll()).toBe(1);
      expect(pair.a.queue.word(0, CompletionEntry.retired)).toBe(unsignaled + 1);
      expect(pair.a.queue.word(0, CompletionEntry.queuePair)).toBe(pair.a.queuePair.handle);
      expect(pair.a.queue.word(0, CompletionEntry.workRequestIdLow)).toBe(77);
      pair.a.queue.consume(1);
      expect(pair.a.queuePair.outstanding).toBe(0);
      expect(pair.a.queue.outstanding).toBe(0);
    }
    closePair(pair);
  });

  it('completes failures even when no completion was asked for', () => {
    const pair = connect(fixture());
    pair.a.queuePair.postSend(writeRequest(pair, 0, 8, { signaled: false }));
    pair.a.queuePair.postSend({
      kind: 'write',
      workRequestId: 5,
      signaled: false,
      local: { region: pair.a.region, offset: 0, length: 8 },
      remote: { remoteKey: pair.b.region.remoteKey ^ 0x55, offset: 0 },
    });
    pair.a.queuePair.doorbell();
    const failed = completion(fixture(), pair.a);
    expect(failed).toMatchObject({ status: 'remoteAccessError', workRequestIdLow: 5 });
    expect(pair.a.queuePair.outstanding).toBe(0);
    closePair(pair);
  });
}

function closingCases(fixture: () => ProviderFixture): void {
  it('gives places in the completion queue back when a queue pair is closed', () => {
    const pair = connect(fixture(), { a: { completionQueueDepth: 8 } });
    pair.a.queuePair.postSend(writeRequest(pair, 0, 8));
    pair.a.queuePair.doorbell();
    while (pair.a.queue.poll() === 0 && fixture().advance());
    // One completion waits, one is in flight, one was never handed over.
    pair.a.queuePair.postSend(writeRequest(pair, 0, 8));
    pair.a.queuePair.doorbell();
    pair.a.queuePair.postSend(writeRequest(pair, 0, 8));
    pair.a.queuePair.close();
    pair.b.queuePair.close();
    pair.a.ring.doorbell();
    while (pair.a.queue.take() !== undefined);
    expect(pair.a.queue.outstanding).toBe(0);

    join(pair.a, pair.b, EVERYTHING);
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
    expect(pair.a.queuePair.outstanding).toBe(0);
    closePair(pair);
  });
}

function limitCases(fixture: () => ProviderFixture): void {
  it('refuses to post when the send queue is full, and accepts again after polling', () => {
    const pair = connect(fixture(), { a: { sendQueueDepth: 4 } });
    for (let n = 0; n < 4; n++) pair.a.queuePair.postSend(writeRequest(pair, 0, 8));
    const post = () => {
      pair.a.queuePair.postSend(readRequest(pair, 0, 8));
    };
    expect(post).toThrowError(refusal('ENOMEM'));
    pair.a.queuePair.doorbell();
    // Handed over is not completed.
    expect(post).toThrowError(refusal('ENOMEM'));
    completion(fixture(), pair.a);
    expect(post).not.toThrow();
    closePair(pair);
  });

  it('refuses to post when the completion queue could overrun, over all its queue pairs', () => {
    const a = new Side(fixture().devices[0], { completionQueueDepth: 4 });
    const b = new Side(fixture().devices[1]);
    join(a, b, EVERYTHING);
    const first = a.queuePair;
    join(a, b, EVERYTHING);
    const second = a.queuePair;
    const write = writeRequest({ a, b }, 0, 8);
    first.postSend(write);
    first.postSend(write);
    second.postSend(write);
    second.postSend(write);
    for (const queuePair of [first, second])
      expect(() => {
        queuePair.postSend(write);
      }).toThrowError(refusal('ENOMEM'));
    first.doorbell();
    for (let n = 0; n < 4; n++) expect(completion(fixture(), a).status).toBe('success');
    second.postSend(write);
    closePair({ a, b });
  });
}

function ringCases(fixture: () => ProviderFixture): void {
  it('refuses to post when the send ring is full, and harms no entry', () => {
    const pair = connect(fixture(), { a: { sendRingDepth: 2 } });
    new DataView(pair.b.region.bytes.buffer).setBigUint64(0, 5n, true);
    const atomic = {
      local: { region: pair.a.region, offset: 0, length: 8 },
      remote: { remoteKey: pair.b.region.remoteKey, offset: 0 },
    };
    pair.a.queuePair.postSend({ kind: 'compareAndSwap', ...atomic, expected: 5n, swap: 6n });
    pair.a.queuePair.postSend({ kind: 'fetchAndAdd', ...atomic, add: 10n });
    expect(() => {
      pair.a.queuePair.postSend({ kind: 'compareAndSwap', ...atomic, expected: 1n, swap: 1n });
    }).toThrowError(refusal('ENOMEM'));
    expect(pair.a.queuePair.outstanding).toBe(2);
    pair.a.queuePair.doorbell();
    completion(fixture(), pair.a);
    completion(fixture(), pair.a);
    expect(new DataView(pair.b.region.bytes.buffer).getBigUint64(0, true)).toBe(16n);
    closePair(pair);
  });

  it('goes round its rings many times', () => {
    const pair = connect(fixture(), { a: { sendRingDepth: 4, completionQueueDepth: 4 } });
    for (let n = 0; n < 50; n++) {
      pair.a.region.bytes.fill(n, 0, 8);
      const done = run(fixture(), pair.a, writeRequest(pair, 0, 8, { workRequestId: n }));
      expect(done).toMatchObject({ status: 'success', workRequestIdLow: n });
      expect(pair.b.region.bytes[7]).toBe(n);
    }
    closePair(pair);
  });

  it('refuses depths that are no power of two, or beyond the device', () => {
    const context = fixture().devices[0].open();
    const { completionQueueDepthMax, sendQueueDepthMax } = context.device.limits;
    for (const depth of [0, -1, 3, 1.5, completionQueueDepthMax * 2])
      expect(() => context.createCompletionQueue(depth)).toThrowError(refusal('EINVAL'));
    for (const depth of [0, -1, 3, 1.5, sendQueueDepthMax * 2])
      expect(() => context.createSendRing(depth)).toThrowError(refusal('EINVAL'));
    context.close();
  });
}
