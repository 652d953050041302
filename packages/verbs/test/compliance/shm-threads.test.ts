import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { closePair, completion, connect, EVERYTHING, READ_ONLY, writeRequest } from './harness.ts';
import { distProblem } from './peer-client.ts';
import { makeFabric, removeFabric, shmFixture, shmProblem } from './shm-harness.ts';

const problem = shmProblem ?? distProblem;
const BYTES = 4 << 20;

describe.skipIf(problem !== undefined)(`shm, two threads${problem ? `: ${problem}` : ''}`, () => {
  it('lets one thread revoke what another thread writes through, byte-exactly', async () => {
    const rounds = 60;
    const fabric = makeFabric();
    const fixture = shmFixture(fabric);
    const side = { regionBytes: BYTES };
    const pair = connect(fixture, { a: side, b: side });
    // 0: writes done, 1: rounds in which the writer was refused, 2: rounds cycled by the other thread.
    const progress = new Int32Array(new SharedArrayBuffer(12));
    const worker = new Worker(new URL('./peer-thread.mjs', import.meta.url), {
      workerData: {
        fabric,
        rounds,
        queuePair: pair.b.queuePair.handle,
        remote: pair.b.queuePair.control.remote,
        region: pair.b.region.handle,
        progress: progress.buffer,
        none: READ_ONLY,
        everything: EVERYTHING,
      },
    });
    const verdict = new Promise<{ changedIn: number; underWay: number }>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });

    for (let round = 1; round <= rounds; round++) {
      for (let n = 0; ; n++) {
        pair.a.region.bytes.fill(n & 0xff);
        pair.a.post(writeRequest(pair, 0, BYTES));
        const { status } = completion(fixture, pair.a);
        Atomics.add(progress, 0, 1);
        if (status === 'success') continue;
        expect(status).toMatch(/^remote(InvalidRequest|AccessError)$/);
        break;
      }
      Atomics.store(progress, 1, round);
      Atomics.notify(progress, 1);
      Atomics.wait(progress, 2, round - 1, 5_000);
      pair.a.queuePair.control.cycle({
        accessFlags: EVERYTHING,
        receivePacketSequenceNumber: round,
        sendPacketSequenceNumber: round,
      });
    }
    expect(await verdict).toEqual({ changedIn: 0, underWay: rounds });
    await worker.terminate();
    closePair(pair);
    removeFabric(fabric);
  });

  it('wakes a thread that waits at the doorbell', async () => {
    const fabric = makeFabric();
    const fixture = shmFixture(fabric);
    const pair = connect(fixture);
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.dist).then(({ ContextControl, shmBackend }) => {
        const control = new ContextControl(shmBackend({ fabric: workerData.fabric }), workerData.context);
        parentPort.postMessage('waiting');
        parentPort.postMessage(control.waitForWake(10_000_000, 0));
      });`;
    const worker = new Worker(source, {
      eval: true,
      workerData: {
        fabric,
        context: pair.b.context.handle,
        dist: new URL('../../dist/index.js', import.meta.url).href,
      },
    });
    const next = () => new Promise((resolve) => worker.once('message', resolve));
    expect(await next()).toBe('waiting');
    const woken = next();
    const began = performance.now();
    pair.a.post(writeRequest(pair, 0, 8, { wake: true }));
    expect(await woken).toBe(true);
    expect(performance.now() - began).toBeLessThan(1_000);
    await worker.terminate();
    closePair(pair);
    removeFabric(fabric);
  });
});
