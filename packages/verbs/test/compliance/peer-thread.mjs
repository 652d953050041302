// Another thread of the same process: it holds handles, not objects. See shm-threads.test.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { QueuePairControl, shmBackend } from '../../dist/index.js';

const backend = shmBackend({ fabric: workerData.fabric });
const control = new QueuePairControl(backend, workerData.queuePair, workerData.remote);
const bytes = new Uint8Array(backend.openMemory(workerData.region));
const progress = new Int32Array(workerData.progress);

/** A byte of every page, last page first: much faster than the copy that it must not overtake. */
function sample() {
  let text = '';
  for (let at = bytes.length - 1; at >= 0; at -= 4096) text += String.fromCharCode(bytes[at]);
  return text;
}

/** Revokes at moments of its own choosing, and watches for any byte that changes afterwards. */
function revokeAgainAndAgain({ rounds, none, everything }) {
  let underWay = 0;
  for (let round = 1; round <= rounds; round++) {
    const seen = Atomics.load(progress, 0);
    while (Atomics.load(progress, 0) - seen < 3 + (round % 17));
    control.modifyAccess(none);
    const before = sample();
    const until = performance.now() + 3;
    while (performance.now() < until);
    if (sample() !== before) return { changedIn: round, underWay };
    if (Atomics.load(progress, 0) > seen) underWay++;
    // The writer has noticed once it says so; then both sides start again.
    Atomics.wait(progress, 1, round - 1, 5_000);
    control.cycle({
      accessFlags: everything,
      receivePacketSequenceNumber: round,
      sendPacketSequenceNumber: round,
    });
    Atomics.store(progress, 2, round);
    Atomics.notify(progress, 2);
  }
  return { changedIn: 0, underWay };
}

parentPort.postMessage(revokeAgainAndAgain(workerData));
