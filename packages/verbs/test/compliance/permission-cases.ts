import { describe, expect, it } from 'vitest';
import { AccessFlags } from '../../src/index.ts';
import type { Side } from './harness.ts';
import {
  closePair,
  connect,
  EVERYTHING,
  expectState,
  READ_ONLY,
  readRequest,
  run,
  writeRequest,
  type Pair,
  type ProviderFixture,
} from './harness.ts';

const REFUSED = ['remoteInvalidRequest', 'remoteAccessError'];

function untouched(side: Side): boolean {
  return side.region.bytes.every((byte) => byte === 0);
}

/** Who may do what, and what a refusal does to both queue pairs. */
export function permissionCases(fixture: () => ProviderFixture): void {
  describe('permissions', () => {
    refusalCases(fixture);
    placeCases(fixture);
    domainCases(fixture);
  });
}

function refusalCases(fixture: () => ProviderFixture): void {
  const expectRefused = (pair: Pair, status: string[], kind: 'write' | 'read' | 'fetchAndAdd') => {
    pair.a.region.bytes.fill(1);
    const place = {
      local: { region: pair.a.region, offset: 0, length: 8 },
      remote: { remoteKey: pair.b.region.remoteKey, offset: 0 },
    };
    const request =
      kind === 'fetchAndAdd' ? ({ kind, ...place, add: 1n } as const) : { kind, ...place };
    const done = run(fixture(), pair.a, request);
    expect(status, `${kind}: ${done.status}`).toContain(done.status);
    expect(untouched(pair.b)).toBe(true);
    expectState(fixture(), pair.a, 'error');
    expectState(fixture(), pair.b, 'error');
    closePair(pair);
  };
  const needs = [
    ['write', AccessFlags.remoteWrite],
    ['read', AccessFlags.remoteRead],
    ['fetchAndAdd', AccessFlags.remoteAtomic],
  ] as const;

  for (const [kind, flag] of needs) {
    it(`refuses a ${kind} that the queue pair does not admit`, () => {
      expectRefused(connect(fixture(), { admits: EVERYTHING & ~flag }), REFUSED, kind);
    });
    it(`refuses a ${kind} that the region does not admit`, () => {
      const pair = connect(fixture(), { b: { regionAccess: EVERYTHING & ~flag } });
      expectRefused(pair, ['remoteAccessError'], kind);
    });
  }
}

function placeCases(fixture: () => ProviderFixture): void {
  it('refuses a key that names no region', () => {
    for (const wrong of [0x7f00, 0xffff_ff00, undefined]) {
      const pair = connect(fixture());
      const remoteKey = wrong === undefined ? 0 : (pair.b.region.remoteKey ^ wrong) >>> 0;
      const request = {
        kind: 'write',
        local: { region: pair.a.region, offset: 0, length: 8 },
        remote: { remoteKey, offset: 0 },
      } as const;
      expect(run(fixture(), pair.a, request).status).toBe('remoteAccessError');
      closePair(pair);
    }
  });

  it('refuses the key of a closed region although another one has its place', () => {
    const pair = connect(fixture());
    const { remoteKey } = pair.b.region;
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
    pair.b.region.close();
    const next = pair.b.domain.allocateMemory(4096, EVERYTHING);
    const done = run(fixture(), pair.a, {
      kind: 'write',
      local: { region: pair.a.region, offset: 0, length: 8 },
      remote: { remoteKey, offset: 0 },
    });
    expect(done.status).toBe('remoteAccessError');
    expect(next.bytes.every((byte) => byte === 0)).toBe(true);
    closePair(pair);
  });

  it('takes a write of no bytes that is admitted, whatever its key', () => {
    const pair = connect(fixture());
    const done = run(fixture(), pair.a, {
      kind: 'write',
      local: { region: pair.a.region, offset: 0, length: 0 },
      remote: { remoteKey: 0, offset: 0 },
    });
    expect(done.status).toBe('success');
    pair.b.queuePair.control.modifyAccess(READ_ONLY);
    expect(REFUSED).toContain(run(fixture(), pair.a, writeRequest(pair, 0, 0)).status);
    closePair(pair);
  });

  it('refuses the key of a region that was closed', () => {
    const pair = connect(fixture());
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
    pair.b.region.close();
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('remoteAccessError');
    closePair(pair);
  });

  it('refuses a range that is not inside the region, to the byte', () => {
    const size = 256;
    const cases = [
      { offset: size - 8, length: 8, fits: true },
      { offset: size - 7, length: 8, fits: false },
      { offset: size, length: 1, fits: false },
      { offset: 0xffff_ffff, length: 2, fits: false },
      { offset: 0xffff_fff8, length: 16, fits: false },
    ];
    for (const { offset, length, fits } of cases) {
      const pair = connect(fixture(), { b: { regionBytes: size } });
      const done = run(fixture(), pair.a, {
        kind: 'write',
        local: { region: pair.a.region, offset: 0, length },
        remote: { remoteKey: pair.b.region.remoteKey, offset },
      });
      expect(done.status, `${offset}+${length}`).toBe(fits ? 'success' : 'remoteAccessError');
      closePair(pair);
    }
  });

  it('refuses to post a remote place that does not fit 32 bits', () => {
    const pair = connect(fixture());
    for (const offset of [2 ** 32, -1, 0.5, NaN])
      expect(() => {
        pair.a.queuePair.postSend({
          kind: 'write',
          local: { region: pair.a.region, offset: 0, length: 8 },
          remote: { remoteKey: pair.b.region.remoteKey, offset },
        });
      }).toThrowError(expect.objectContaining({ code: 'EINVAL' }));
    closePair(pair);
  });
}

function domainCases(fixture: () => ProviderFixture): void {
  it('refuses a region of another protection domain', () => {
    const pair = connect(fixture());
    const other = pair.b.context.allocateProtectionDomain().allocateMemory(64, EVERYTHING);
    const done = run(fixture(), pair.a, {
      kind: 'write',
      local: { region: pair.a.region, offset: 0, length: 8 },
      remote: { remoteKey: other.remoteKey, offset: 0 },
    });
    expect(done.status).toBe('remoteAccessError');
    closePair(pair);
  });

  it('refuses local bytes outside the region, of another domain, or not writable', () => {
    const pair = connect(fixture());
    for (const [offset, length] of [
      [4096, 1],
      [4090, 7],
      [-1, 8],
      [0, -1],
    ])
      expect(() => {
        pair.a.queuePair.postSend(writeRequest(pair, offset, length));
      }).toThrowError(expect.objectContaining({ code: 'EINVAL' }));

    const foreign = pair.a.context.allocateProtectionDomain().allocateMemory(64, EVERYTHING);
    const done = run(fixture(), pair.a, {
      kind: 'write',
      local: { region: foreign, offset: 0, length: 8 },
      remote: { remoteKey: pair.b.region.remoteKey, offset: 0 },
    });
    expect(done.status).toBe('localProtectionError');
    expect(pair.a.queuePair.control.state).toBe('error');
    closePair(pair);

    const second = connect(fixture(), { a: { regionAccess: AccessFlags.none } });
    expect(run(fixture(), second.a, readRequest(second, 0, 8)).status).toBe('localProtectionError');
    closePair(second);
  });
}
