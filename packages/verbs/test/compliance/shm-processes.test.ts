import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessFlags } from '../../src/index.ts';
import { completion, EVERYTHING, READ_ONLY, run, Side, type ProviderFixture } from './harness.ts';
import { distProblem, PeerProcess } from './peer-client.ts';
import { processCases } from './process-cases.ts';
import { makeFabric, removeFabric, shmFixture, shmProblem } from './shm-harness.ts';

const problem = shmProblem ?? distProblem;
const MIB = 1 << 20;

describe.skipIf(problem !== undefined)(
  `shm between processes${problem ? `: ${problem}` : ''}`,
  () => {
    let fabric = '';
    let fixture: ProviderFixture;
    let sides: Side[] = [];
    let peers: PeerProcess[] = [];

    beforeEach(() => {
      fabric = makeFabric();
      fixture = shmFixture(fabric);
      sides = [];
      peers = [];
    });
    afterEach(async () => {
      for (const peer of peers) await peer.stop();
      for (const side of sides) side.context.close();
      removeFabric(fabric);
    });

    const open = (regionBytes = 4096): Side => {
      const side = new Side(fixture.devices[0], { regionBytes });
      sides.push(side);
      return side;
    };
    const start = async (regionBytes = 4096): Promise<PeerProcess> => {
      const peer = await PeerProcess.start({ fabric }, regionBytes);
      peers.push(peer);
      return peer;
    };
    const places = (side: Side, peer: PeerProcess, offset: number, length: number) => ({
      local: { region: side.region, offset, length },
      remote: { remoteKey: peer.remoteKey, offset },
    });

    processCases({
      fixture: () => fixture,
      additions: 20_000,
      start: async (_n, regionBytes) => {
        const peer = await PeerProcess.start({ fabric }, regionBytes);
        peers.push(peer);
        return peer;
      },
    });

    it('keeps a stopped writer out: SIGSTOP in the middle of its copy, revoke, grant to another, SIGCONT', async () => {
      const bytes = 4 * MIB;
      const target = open(bytes);
      const old = await start(bytes);
      const next = await start(bytes);
      await old.join(target);
      const ofOld = target.queuePair;
      await next.join(target, READ_ONLY);
      const ofNext = target.queuePair;
      const { remoteKey } = target.region;
      await next.ask('fill', { value: 250 });

      for (let round = 1; round <= 12; round++) {
        const stream = old.ask<{ status: string }>('stream', {
          remoteKey,
          offset: 0,
          length: bytes,
          from: 1,
          values: 100,
        });
        await sleep(3 + (round % 5) * 2);
        old.signal('SIGSTOP');
        while (old.state() !== 'T') await sleep(0);

        const began = performance.now();
        ofOld.control.modifyAccess(READ_ONLY);
        expect(performance.now() - began, 'a stopped writer is waited for').toBeLessThan(250);
        ofNext.control.modifyAccess(EVERYTHING);
        expect(await next.ask('write', { remoteKey, offset: 0, length: bytes })).toBe('success');
        expect(target.region.bytes.every((byte) => byte === 250)).toBe(true);

        old.signal('SIGCONT');
        expect((await stream).status).toMatch(/^remote(InvalidRequest|AccessError)$/);
        expect(
          target.region.bytes.every((byte) => byte === 250),
          `round ${round}`,
        ).toBe(true);

        ofNext.control.modifyAccess(READ_ONLY);
        const psn = { receivePacketSequenceNumber: round, sendPacketSequenceNumber: round };
        ofOld.control.cycle({ accessFlags: EVERYTHING, ...psn });
        await old.ask('cycle', { psn: round });
      }
      // Some of the stops must have come in the middle of a copy, or this proved nothing.
      expect(ofOld.control.relocations).toBeGreaterThan(0);
    }, 60_000);

    it('tells by the thread state that a peer is stopped', async () => {
      const side = open();
      const peer = await start();
      await peer.join(side);
      expect(side.queuePair.control.peerThreadState()).toBe('running');
      peer.signal('SIGSTOP');
      while (peer.state() !== 'T') await sleep(0);
      expect(side.queuePair.control.peerThreadState()).toBe('stopped');
      // One-sided operations need nobody's CPU at the target.
      expect(run(fixture, side, { kind: 'write', ...places(side, peer, 0, 64) }).status).toBe(
        'success',
      );
      peer.signal('SIGCONT');
      expect(await peer.ask('bytes', { offset: 0, length: 1 })).toEqual([0]);
    });

    it('ends in retryExceeded when the peer was killed, instead of hanging', async () => {
      const side = open();
      const peer = await start();
      await peer.join(side);
      expect(run(fixture, side, { kind: 'write', ...places(side, peer, 0, 64) }).status).toBe(
        'success',
      );
      await peer.stop();
      const began = performance.now();
      for (let n = 0; n < 2; n++)
        side.queuePair.postSend({ kind: 'write', ...places(side, peer, 0, 64) });
      side.queuePair.doorbell();
      expect(completion(fixture, side).status).toBe('retryExceeded');
      expect(completion(fixture, side).status).toBe('workRequestFlushed');
      expect(performance.now() - began).toBeLessThan(1_000);
      expect(side.queuePair.control.peerThreadState()).toBe('dead');
    });

    it('revokes from a writer that was killed in the middle of its copy', async () => {
      const side = open(4 * MIB);
      for (let round = 0; round < 4; round++) {
        const peer = await start(4 * MIB);
        await peer.join(side);
        const { remoteKey } = side.region;
        const stream = peer.ask('stream', {
          remoteKey,
          offset: 0,
          length: 4 * MIB,
          from: 1,
          values: 9,
        });
        stream.catch(() => undefined);
        await sleep(5 + round * 3);
        await peer.stop();
        const began = performance.now();
        side.queuePair.control.modifyAccess(AccessFlags.none);
        expect(performance.now() - began).toBeLessThan(250);
        const before = side.region.bytes.slice();
        await sleep(5);
        expect(Buffer.compare(side.region.bytes, before)).toBe(0);
      }
    });

    it('removes segments of dead processes at the next start, and never those of live ones', async () => {
      const living = await start();
      const dying = await start();
      const of = (peer: PeerProcess) =>
        readdirSync(fabric).filter((name) => name.startsWith(`${peer.endpoint.address}.`));
      expect(of(living).length).toBeGreaterThan(0);
      expect(of(dying).length).toBeGreaterThan(0);
      await dying.stop();
      expect(of(dying).length, 'SIGKILL leaves segments').toBeGreaterThan(0);

      const before = of(living);
      const side = open();
      expect(of(dying)).toEqual([]);
      expect(of(living)).toEqual(before);
      await living.join(side);
      expect(run(fixture, side, { kind: 'write', ...places(side, living, 0, 8) }).status).toBe(
        'success',
      );
    });

    it('removes everything with the last process that closes', async () => {
      const side = open();
      const peer = await start();
      await peer.ask('close');
      side.context.close();
      expect(existsSync(fabric) ? readdirSync(fabric) : []).toEqual([]);
    });
  },
);
