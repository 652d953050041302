// Nanoseconds per posted write: one doorbell hands over one write to each of three queue pairs, from
// JavaScript to the bytes being in the peers' memory, and their completions are consumed.
//
//   node bench/post-write.mjs [bytes] [directory of another build of this package]
//
// Shared memory on one machine: what the software costs, never a figure of a network.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const bytes = Number(process.argv[2] ?? 128);
const directory = process.argv[3] ?? join(import.meta.dirname, '..');
const { AccessFlags, Opcode, SendFlags, shmDevice } = await import(
  pathToFileURL(join(directory, 'dist/index.js')).href
);

const ROUNDS_PER_SAMPLE = 20_000;
const SAMPLES = 60;
const ACCESS = AccessFlags.localWrite | AccessFlags.remoteWrite | AccessFlags.remoteRead;

const fabric = mkdtempSync('/dev/shm/mu-bench-');
const device = shmDevice({ fabric });

function side() {
  const context = device.open();
  const domain = context.allocateProtectionDomain();
  const sendCompletionQueue = context.createCompletionQueue(64);
  const sendRing = context.createSendRing(64);
  const region = domain.allocateMemory(1 << 16, ACCESS);
  return { context, domain, sendCompletionQueue, sendRing, region };
}

const writer = side();
const targets = [side(), side(), side()];
const queuePairs = targets.map((target) => {
  const [ours, theirs] = [writer, target].map((one) => one.domain.createQueuePair(one));
  const { endpoint } = ours;
  const connected = ours.connect(theirs.endpoint, { accessFlags: ACCESS });
  theirs.connect(endpoint, { accessFlags: ACCESS });
  return connected;
});

const flags = Opcode.rdmaWrite | SendFlags.signaled;
const { sendRing, sendCompletionQueue: queue, region } = writer;

function run(rounds) {
  for (let n = 0; n < rounds; n++) {
    const offset = (n & 127) * 256;
    for (let at = 0; at < 3; at++)
      sendRing.post(
        queuePairs[at],
        flags,
        region.handle,
        offset,
        bytes,
        targets[at].region.remoteKey,
        offset,
        n,
        0,
      );
    sendRing.doorbell();
    const done = queue.poll();
    if (done !== 3 || queue.word(0, 2) !== 0) throw new Error('a write failed');
    queue.consume(done);
  }
}

run(50_000);
const samples = [];
for (let n = 0; n < SAMPLES; n++) {
  const began = process.hrtime.bigint();
  run(ROUNDS_PER_SAMPLE);
  samples.push(Number(process.hrtime.bigint() - began) / (ROUNDS_PER_SAMPLE * 3));
}
samples.sort((a, b) => a - b);
const at = (part) => Number(samples[Math.floor(part * (SAMPLES - 1))].toFixed(1));
console.log(
  JSON.stringify({
    provider: 'shm',
    bytes,
    queuePairs: 3,
    writes: SAMPLES * ROUNDS_PER_SAMPLE * 3,
    nsPerWrite: { min: at(0), p25: at(0.25), p50: at(0.5), p75: at(0.75) },
  }),
);
for (const one of [writer, ...targets]) one.context.close();
rmSync(fabric, { recursive: true, force: true });
