import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AccessFlags, ibverbsDevice } from '../../../packages/verbs/src/index.ts';
import { closeEverything, Side } from '../../../packages/verbs/test/compliance/harness.ts';
import { slowCopies } from './slow-copies.ts';
import { Writer } from './writer.ts';

const READ = AccessFlags.remoteRead;
const READ_WRITE = READ | AccessFlags.remoteWrite;
const SLOTS = 16;
const LENGTH = 4096;
/** Makes a copy begin a few milliseconds after its check. */
const EVENTS = 150;
const RESETS = 150;
/** Flags alone are late about once in ten times here. */
const FLAG_CHANGES_MAX = 600;

let undo: () => void;
beforeAll(() => {
  undo = slowCopies(EVENTS);
});
afterAll(() => undo());
afterEach(closeEverything);

/** Revokes under a stream until `enough`; how often, and how often bytes changed after it had returned. */
async function revoke(
  revocation: 'flags' | 'reset',
  enough: (rounds: number, late: number) => boolean,
): Promise<{ rounds: number; late: number }> {
  const target = new Side(ibverbsDevice('rxe0', { revocation }), { regionBytes: SLOTS * LENGTH });
  const prepared = target.prepare();
  const writer = await Writer.start();
  try {
    await writer.connect(prepared.endpoint);
    const { control } = prepared.connect(writer.endpoint, { accessFlags: READ_WRITE });
    const { bytes, remoteKey } = target.region;
    const frozen = Buffer.alloc(bytes.length);
    let late = 0;
    let rounds = 0;
    for (; !enough(rounds, late); rounds++) {
      bytes.fill(0);
      const ended = writer.stream(remoteKey, LENGTH);
      await delay(rounds % 10);
      control.modifyAccess(READ);
      frozen.set(bytes);
      await ended;
      // What was checked before is copied by now.
      await delay(10);
      if (Buffer.compare(bytes, frozen) !== 0) late++;
      const psn = (rounds * 1000) & 0xff_ffff;
      await writer.cycle(psn);
      const numbers = { receivePacketSequenceNumber: psn, sendPacketSequenceNumber: psn };
      control.cycle({ accessFlags: READ_WRITE, ...numbers });
    }
    console.log(`    by ${revocation}: bytes changed after ${late} of ${rounds} revocations`);
    return { rounds, late };
  } finally {
    writer.end();
  }
}

describe('revocations on a device that is slow between check and copy', () => {
  // Without this the next test would prove nothing.
  it('are late by flags alone', async () => {
    const { late } = await revoke('flags', (n, seen) => seen > 0 || n === FLAG_CHANGES_MAX);
    expect(late).toBe(1);
  }, 90_000);

  it(`are not late by a reset: ${RESETS} times`, async () => {
    expect((await revoke('reset', (n) => n === RESETS)).late).toBe(0);
  }, 90_000);
});
