import { sealTrailer } from '@mu-smr/verbs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendToBatch, batchedBytes } from '../src/batch.ts';
import { CommandReader } from '../src/command-reader.ts';
import { CircularArea } from '../src/circular-area.ts';
import { readCommit, readMinProposal, writeCommit, writeMinProposal } from '../src/header-cells.ts';
import { checkGeometry, COMMIT_CELL_BYTES, LOG_HEADER_BYTES } from '../src/layout.ts';
import type { LogOffset, ProposalNumber } from '../src/offset.ts';

const GEOMETRY = { capacityBytes: 4096, payloadBytesMax: 256, windowBytes: 1024 };
const offset = (value: number): LogOffset => value as LogOffset;

describe('CircularArea', () => {
  const area = new CircularArea(GEOMETRY);

  it('places every offset within the area, beyond 2^32 too', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 46 }), (line) => {
        const at = offset(line * 64);
        expect(area.position(at)).toBe(LOG_HEADER_BYTES + Number(BigInt(at) % 4096n));
        expect(area.position(at) - LOG_HEADER_BYTES + area.untilEnd(at)).toBe(4096);
      }),
    );
  });

  // protocol.md: "an entry never straddles the end".
  it('pads before an entry that would straddle the end, and only then', () => {
    expect(area.padBefore(offset(4096 - 128), 192)).toBe(128);
    expect(area.padBefore(offset(4096 - 128), 128)).toBe(0);
    expect(area.padBefore(offset(4096), 192)).toBe(0);
  });

  it('covers a range with one or two stretches of its length', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(64), (from, lines) => {
        const begin = offset(from * 64);
        const stretches = area.stretches(begin, offset(begin + lines * 64));
        expect(stretches.reduce((sum, { length }) => sum + length, 0)).toBe(lines * 64);
        for (const { position, length } of stretches)
          expect(position + length).toBeLessThanOrEqual(LOG_HEADER_BYTES + 4096);
      }),
    );
  });
});

describe('checkGeometry', () => {
  it('refuses numbers that do not fit each other, with a code', () => {
    const refused = (more: Partial<typeof GEOMETRY>): string => {
      try {
        checkGeometry({ ...GEOMETRY, ...more });
      } catch (error) {
        return (error as { code: string }).code;
      }
      return 'accepted';
    };
    expect(refused({})).toBe('accepted');
    expect(refused({ capacityBytes: 5000 })).toBe('GEOMETRY');
    expect(refused({ payloadBytesMax: 0 })).toBe('GEOMETRY');
    expect(refused({ windowBytes: 512 })).toBe('GEOMETRY');
    expect(refused({ windowBytes: 4096 })).toBe('GEOMETRY');
  });
});

// Remote writers are cut off between any two bytes: a cell is read whole or not at all.
describe('header cells', () => {
  it('read back what was written', () => {
    const bytes = new Uint8Array(256);
    writeMinProposal(bytes, 64, 33 as ProposalNumber);
    expect(readMinProposal(bytes, 64)).toBe(33);
    writeCommit(bytes, 128, { firstUndecided: offset(2 ** 40), release: offset(64) });
    expect(readCommit(bytes, 128)).toEqual({ firstUndecided: 2 ** 40, release: 64 });
  });

  it('are nothing when they were never written or are torn', () => {
    const whole = new Uint8Array(COMMIT_CELL_BYTES);
    expect(readCommit(whole, 0)).toBeUndefined();
    expect(readMinProposal(new Uint8Array(16), 0)).toBe(0);
    writeCommit(whole, 0, { firstUndecided: offset(640), release: offset(64) });
    const before = new Uint8Array(COMMIT_CELL_BYTES);
    writeCommit(before, 0, { firstUndecided: offset(576), release: offset(0) });
    for (let cut = 1; cut < COMMIT_CELL_BYTES; cut++) {
      const torn = before.slice();
      torn.set(whole.subarray(0, cut));
      const read = readCommit(torn, 0);
      if (read !== undefined) expect([576, 640]).toContain(read.firstUndecided);
    }
  });

  it('carry the trailer that every reader checks', () => {
    const bytes = new Uint8Array(16);
    writeMinProposal(bytes, 0, 5 as ProposalNumber);
    const again = bytes.slice();
    sealTrailer(again, 0, 16);
    expect(again).toEqual(bytes);
  });
});

describe('a batch', () => {
  it('gives back its commands in order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 }), (commands) => {
        const total = commands.reduce((sum, command) => sum + batchedBytes(command.length), 0);
        const bytes = new Uint8Array(total);
        let at = 0;
        for (const command of commands) at = appendToBatch(bytes, at, command);
        expect(at).toBe(total);
        const reader = new CommandReader(bytes);
        at = 0;
        for (const command of commands) {
          const length = reader.batchedLength(at);
          expect(reader.read(at + 4, length)).toEqual(command);
          at += batchedBytes(length);
        }
      }),
    );
  });
});
