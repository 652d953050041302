import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { READ_ONLY, Side } from './harness.ts';
import { distProblem, PeerProcess } from './peer-client.ts';
import { makeFabric, removeFabric, shmFixture, shmProblem } from './shm-harness.ts';

const problem = shmProblem ?? distProblem;
const BYTES = 4 << 20;

/**
 * A queue pair's place in the control segment is used again after it was closed, or is connected to
 * another peer after a reset. The peer of before still has it mapped; it must be able to do no harm.
 */
describe.skipIf(problem !== undefined)(
  `shm, a place used again${problem ? `: ${problem}` : ''}`,
  () => {
    let fabric = '';
    let target: Side;
    let peers: PeerProcess[] = [];

    beforeEach(() => {
      fabric = makeFabric();
      target = new Side(shmFixture(fabric).devices[0], { regionBytes: BYTES });
      peers = [];
    });
    afterEach(async () => {
      for (const peer of peers) await peer.stop();
      target.context.close();
      removeFabric(fabric);
    });

    it('fences the new writer although the one of before still posts', async () => {
      const before = await PeerProcess.start({ fabric }, BYTES);
      peers.push(before);
      await before.join(target);
      target.queuePair.close();
      const writer = await PeerProcess.start({ fabric }, BYTES);
      peers.push(writer);
      await writer.join(target);
      const { control } = target.queuePair;
      const place = { remoteKey: target.region.remoteKey, offset: 0, length: BYTES };

      for (let round = 1; round <= 12; round++) {
        const stream = writer.ask<{ status: string }>('stream', { ...place, from: 1, values: 100 });
        await sleep(3 + (round % 5) * 2);
        writer.signal('SIGSTOP');
        while (writer.state() !== 'T') await sleep(0);
        // Its connection is gone: it must learn that, and leave no trace in the place that it had.
        await before.ask('cycle', { psn: round });
        expect(await before.ask('write', { ...place, length: 8 })).toBe('retryExceeded');

        control.modifyAccess(READ_ONLY);
        const frozen = target.region.bytes.slice();
        writer.signal('SIGCONT');
        expect((await stream).status).toMatch(/^remote(InvalidRequest|AccessError)$/);
        expect(Buffer.compare(target.region.bytes, frozen), `round ${round}`).toBe(0);

        const psn = { receivePacketSequenceNumber: round, sendPacketSequenceNumber: round };
        control.cycle({ accessFlags: 15, ...psn });
        await writer.ask('cycle', { psn: round });
      }
      expect(control.relocations).toBeGreaterThan(0);
    }, 60_000);
  },
);
