import { describe, expect, it } from 'vitest';
import { AccessFlags } from '../../src/index.ts';
import {
  closePair,
  completion,
  connect,
  cycleBoth,
  EVERYTHING,
  expectState,
  fill,
  join,
  READ_ONLY,
  readRequest,
  run,
  settle,
  Side,
  writeRequest,
  type ProviderFixture,
} from './harness.ts';

const REFUSED = ['remoteInvalidRequest', 'remoteAccessError'];

function untouched(side: Side): boolean {
  return side.region.bytes.every((byte) => byte === 0);
}

/** A right that is taken away is gone when the call has returned. */
export function revocationCases(fixture: () => ProviderFixture): void {
  describe('revocation', () => {
    changeCases(fixture);
    streamCases(fixture);
  });
}

function changeCases(fixture: () => ProviderFixture): void {
  it('enforces a change of flags at once, and lets reads go on', () => {
    const pair = connect(fixture());
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
    pair.b.queuePair.control.modifyAccess(READ_ONLY);
    expect(pair.b.queuePair.control.accessFlags).toBe(READ_ONLY);
    expect(pair.b.queuePair.control.state).toBe('readyToSend');
    expect(run(fixture(), pair.a, readRequest(pair, 0, 64)).status).toBe('success');
    pair.a.region.bytes.fill(3);
    expect(REFUSED).toContain(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status);
    expect(untouched(pair.b)).toBe(true);
    closePair(pair);
  });

  it('needs no cycle after revoke and grant with no write in between', () => {
    const pair = connect(fixture());
    for (let n = 0; n < 5; n++) {
      pair.b.queuePair.control.modifyAccess(READ_ONLY);
      expect(run(fixture(), pair.a, readRequest(pair, 0, 8)).status).toBe('success');
      pair.b.queuePair.control.modifyAccess(EVERYTHING);
      expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
    }
    closePair(pair);
  });

  it('takes the permission from one writer and gives it to another', () => {
    const pair = connect(fixture());
    const c = new Side(fixture().devices[2]);
    const ofA = pair.b.queuePair;
    join(c, pair.b, READ_ONLY);
    const ofC = pair.b.queuePair;
    const fromC = { a: c, b: pair.b };
    fill(pair.a.region.bytes, 1);
    fill(c.region.bytes, 2);

    expect(run(fixture(), pair.a, writeRequest(pair, 0, 100)).status).toBe('success');
    ofA.control.modifyAccess(READ_ONLY);
    ofC.control.modifyAccess(EVERYTHING);
    expect(run(fixture(), c, writeRequest(fromC, 0, 100)).status).toBe('success');
    expect(REFUSED).toContain(run(fixture(), pair.a, writeRequest(pair, 0, 100)).status);
    expect(
      Buffer.compare(pair.b.region.bytes.subarray(0, 100), c.region.bytes.subarray(0, 100)),
    ).toBe(0);
    // The refusal broke one connection, not the other.
    pair.b.queuePair = ofA;
    expectState(fixture(), pair.b, 'error');
    expect(run(fixture(), c, writeRequest(fromC, 0, 100)).status).toBe('success');
    c.context.close();
    closePair(pair);
  });

  it('refuses unknown flags, and a change of flags on a queue pair that does not work', () => {
    const pair = connect(fixture());
    expect(() => {
      pair.b.queuePair.control.modifyAccess(1 << 20);
    }).toThrowError(expect.objectContaining({ code: 'EINVAL' }));
    pair.b.queuePair.control.fail();
    expect(() => {
      pair.b.queuePair.control.modifyAccess(EVERYTHING);
    }).toThrowError(expect.objectContaining({ code: 'EINVAL' }));
    closePair(pair);
  });

  it('refuses to register with unknown flags, or for remote changes without localWrite', () => {
    // ibv_reg_mr(3): local write permission must be set for remote write and remote atomic.
    const pair = connect(fixture());
    const { remoteWrite, remoteAtomic, remoteRead, localWrite } = AccessFlags;
    for (const access of [1 << 20, 16, -1, remoteWrite, remoteAtomic, remoteAtomic | remoteRead])
      expect(() => pair.b.domain.allocateMemory(64, access), String(access)).toThrowError(
        expect.objectContaining({ code: 'EINVAL' }),
      );
    for (const access of [0, remoteRead, localWrite, localWrite | remoteAtomic])
      expect(pair.b.domain.allocateMemory(64, access).access).toBe(access);
    closePair(pair);
  });
}

function streamCases(fixture: () => ProviderFixture): void {
  it('changes not one byte after a revocation has returned, wherever the stream stands', () => {
    // providers.md: permission revoked while a stream of writes is under way.
    const pair = connect(fixture(), { a: { regionBytes: 1 << 16 }, b: { regionBytes: 1 << 16 } });
    let stoppedInTheMiddle = 0;
    let unanswered = 0;
    for (let round = 1; round <= 160; round++) {
      fill(pair.a.region.bytes, round);
      pair.b.region.bytes.fill(0);
      for (let n = 0; n < 16; n++)
        pair.a.queuePair.postSend(writeRequest(pair, n * 4096, 3000, { workRequestId: n }));
      pair.a.queuePair.doorbell();
      // Also where a packet is being refused while the revocation passes through a reset (0023).
      const advances = round <= 60 ? round * 2 : round % 4;
      for (let n = 0; n < advances; n++) fixture().advance();
      pair.b.queuePair.control.modifyAccess(READ_ONLY);
      const before = pair.b.region.bytes.slice();
      settle(fixture());

      const statuses: string[] = [];
      for (let n = 0; n < 16; n++) statuses.push(completion(fixture(), pair.a).status);
      expect(Buffer.compare(pair.b.region.bytes, before), `round ${round}`).toBe(0);
      const succeeded = statuses.filter((status) => status === 'success').length;
      expect(statuses.slice(0, succeeded).every((status) => status === 'success')).toBe(true);
      if (succeeded < 16) {
        stoppedInTheMiddle++;
        if (statuses[succeeded] === 'retryExceeded') unanswered++;
        else expect(REFUSED).toContain(statuses[succeeded]);
        expect(statuses.slice(succeeded + 1).every((s) => s === 'workRequestFlushed')).toBe(true);
      } else {
        // A provider that copies at the doorbell is always ready before the revocation.
        expect(REFUSED).toContain(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status);
      }
      // What completed with success is there, whole.
      for (let n = 0; n < succeeded; n++)
        expect(
          Buffer.compare(
            pair.b.region.bytes.subarray(n * 4096, n * 4096 + 3000),
            pair.a.region.bytes.subarray(n * 4096, n * 4096 + 3000),
          ),
        ).toBe(0);
      cycleBoth(pair, EVERYTHING, round);
    }
    // Soft-RoCE on a busy machine leaves one in some hundred without its answer (0023); it is no success.
    expect(unanswered).toBeLessThanOrEqual(pair.a.context.device.provider === 'ibverbs' ? 5 : 0);
    if (pair.a.context.device.provider === 'sim') expect(stoppedInTheMiddle).toBeGreaterThan(20);
    closePair(pair);
  });
}
