import { describe, expect, it } from 'vitest';
import { QueuePairState, transitionAllowed, type QueuePairStateName } from '../../src/index.ts';
import {
  closePair,
  completion,
  connect,
  cycleBoth,
  EVERYTHING,
  expectState,
  READ_ONLY,
  run,
  settle,
  writeRequest,
  type Pair,
  type ProviderFixture,
  type Traits,
} from './harness.ts';

const STATES = Object.keys(QueuePairState) as QueuePairStateName[];

/** RESET→INIT→RTR→RTS→ERR, and the way back. */
export function stateCases(fixture: () => ProviderFixture, traits: Traits): void {
  describe('states', () => {
    brokenConnectionCases(fixture);
    cycleCases(fixture);
    lostPeerCases(fixture);
    if (traits.knowsItsPeer) strangerCases(fixture);
    transitionCases(fixture);
  });
}

/** Has a write of a refused, so that both queue pairs are in ERR. */
function breakConnection(fixture: ProviderFixture, pair: Pair): void {
  pair.b.queuePair.control.modifyAccess(READ_ONLY);
  expect(run(fixture, pair.a, writeRequest(pair, 0, 8)).status).toMatch(/^remote/);
  expectState(fixture, pair.b, 'error');
}

function brokenConnectionCases(fixture: () => ProviderFixture): void {
  it('puts both queue pairs into ERR after a refusal, and flushes what comes next', () => {
    const pair = connect(fixture());
    pair.b.queuePair.control.modifyAccess(READ_ONLY);
    for (let n = 0; n < 3; n++)
      pair.a.queuePair.postSend(writeRequest(pair, 0, 8, { workRequestId: n }));
    pair.a.queuePair.doorbell();
    expect(completion(fixture(), pair.a).status).toMatch(/^remote(InvalidRequest|AccessError)$/);
    expect(completion(fixture(), pair.a)).toMatchObject({
      status: 'workRequestFlushed',
      workRequestIdLow: 1,
    });
    expect(completion(fixture(), pair.a)).toMatchObject({
      status: 'workRequestFlushed',
      workRequestIdLow: 2,
    });
    expectState(fixture(), pair.a, 'error');
    expectState(fixture(), pair.b, 'error');
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('workRequestFlushed');
    expect(pair.a.queuePair.outstanding).toBe(0);
    closePair(pair);
  });

  it('is not revived by granting flags', () => {
    const pair = connect(fixture());
    breakConnection(fixture(), pair);
    expect(() => {
      pair.b.queuePair.control.modifyAccess(EVERYTHING);
    }).toThrowError(expect.objectContaining({ code: 'EINVAL' }));
    expect(pair.b.queuePair.control.state).toBe('error');
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('workRequestFlushed');
    closePair(pair);
  });

  it('flushes what is outstanding when it is put into ERR by its owner', () => {
    const pair = connect(fixture());
    for (let n = 0; n < 4; n++) pair.a.queuePair.postSend(writeRequest(pair, 0, 8));
    pair.a.queuePair.control.fail();
    pair.a.queuePair.doorbell();
    for (let n = 0; n < 4; n++)
      expect(completion(fixture(), pair.a).status).toBe('workRequestFlushed');
    closePair(pair);
  });
}

function cycleCases(fixture: () => ProviderFixture): void {
  it('works again after both sides were cycled, many times', () => {
    const pair = connect(fixture());
    for (let generation = 1; generation <= 5; generation++) {
      breakConnection(fixture(), pair);
      cycleBoth(pair, EVERYTHING, generation);
      pair.a.region.bytes.fill(generation, 0, 8);
      expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
      expect(pair.b.region.bytes[7]).toBe(generation);
    }
    closePair(pair);
  });

  it('ends in retryExceeded after only the writer was cycled', () => {
    const pair = connect(fixture());
    breakConnection(fixture(), pair);
    pair.a.queuePair.control.cycle({ accessFlags: EVERYTHING, sendPacketSequenceNumber: 9 });
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('retryExceeded');
    expect(pair.a.queuePair.control.state).toBe('error');
    closePair(pair);
  });

  it('ends in retryExceeded after only the target was cycled', () => {
    const pair = connect(fixture());
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
    pair.b.queuePair.control.cycle({ accessFlags: EVERYTHING, receivePacketSequenceNumber: 77 });
    pair.a.region.bytes.fill(9);
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('retryExceeded');
    expect(pair.b.region.bytes[0]).toBe(0);
    closePair(pair);
  });

  it('ends in retryExceeded when the packet sequence numbers differ', () => {
    const pair = connect(fixture());
    pair.a.queuePair.control.cycle({ accessFlags: EVERYTHING, sendPacketSequenceNumber: 100 });
    pair.b.queuePair.control.cycle({ accessFlags: EVERYTHING, receivePacketSequenceNumber: 101 });
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('retryExceeded');
    closePair(pair);
  });
}

function lostPeerCases(fixture: () => ProviderFixture): void {
  it('ends in retryExceeded when the peer has closed its queue pair, or failed it', () => {
    for (const end of ['close', 'fail'] as const) {
      const pair = connect(fixture());
      if (end === 'close') pair.b.queuePair.close();
      else pair.b.queuePair.control.fail();
      expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status, end).toBe('retryExceeded');
      closePair(pair);
    }
  });

  it('retires everything that was outstanding when it is cycled out of RTS', () => {
    const pair = connect(fixture(), { a: { sendQueueDepth: 4 } });
    pair.b.queuePair.close();
    for (let n = 0; n < 4; n++) pair.a.queuePair.postSend(writeRequest(pair, 0, 8));
    pair.a.queuePair.doorbell();
    pair.a.queuePair.control.cycle({ accessFlags: EVERYTHING });
    settle(fixture());
    while (pair.a.queue.take() !== undefined);
    expect(pair.a.queuePair.outstanding).toBe(0);
    expect(pair.a.queue.outstanding).toBe(0);
    closePair(pair);
  });
}

function strangerCases(fixture: () => ProviderFixture): void {
  it('admits nobody but the queue pair that it was connected to', () => {
    const pair = connect(fixture());
    const { endpoint } = pair.b.queuePair;
    pair.a.queuePair = pair.a.prepare().connect(endpoint, { accessFlags: EVERYTHING });
    pair.a.region.bytes.fill(9);
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('retryExceeded');
    expect(pair.b.region.bytes[0]).toBe(0);
    expect(pair.b.queuePair.control.state).toBe('readyToSend');
    closePair(pair);
  });
}

function transitionCases(fixture: () => ProviderFixture): void {
  /** Brings a fresh queue pair into a state, by the shortest way. */
  const WAYS: Record<QueuePairStateName, QueuePairStateName[]> = {
    reset: [],
    init: ['init'],
    readyToReceive: ['init', 'readyToReceive'],
    readyToSend: ['init', 'readyToReceive', 'readyToSend'],
    error: ['error'],
  };

  for (const from of STATES)
    for (const to of STATES)
      it(`${transitionAllowed(from, to) ? 'allows' : 'refuses'} ${from} to ${to}`, () => {
        const pair = connect(fixture());
        const backend = fixture().backendOf(pair.a.context.device.name);
        const { handle } = pair.a.queuePair;
        const { endpoint } = pair.b.queuePair;
        const step = (state: QueuePairStateName) => {
          backend.modifyQueuePair(handle, {
            state: QueuePairState[state],
            ...(state === 'init' ? { accessFlags: EVERYTHING } : {}),
            ...(state === 'readyToReceive'
              ? {
                  remoteAddress: endpoint.address,
                  remoteQueuePairNumber: endpoint.queuePairNumber,
                  receivePacketSequenceNumber: 0,
                }
              : {}),
            ...(state === 'readyToSend' ? { sendPacketSequenceNumber: 0 } : {}),
          });
        };
        step('reset');
        for (const state of WAYS[from]) step(state);
        expect(pair.a.queuePair.control.state).toBe(from);
        if (transitionAllowed(from, to)) {
          step(to);
          expect(pair.a.queuePair.control.state).toBe(to);
        } else {
          expect(() => {
            step(to);
          }).toThrowError(expect.objectContaining({ code: 'EINVAL' }));
          expect(pair.a.queuePair.control.state).toBe(from);
        }
        closePair(pair);
      });
}
