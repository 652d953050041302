// The leader's own cost of a proposal, without the noise of other threads: three replicas of one
// process, stepped in turn; only the leader's proposals are timed. Medians of blocks.
//
//   node bench/propose-path.mjs [payload bytes] [blocks] [network]
//
// With `network`, writes complete later than the call that posts them, as over a network, but with no wait.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shmDevice } from '@mu-smr/verbs';
import { DEFAULT_TUNING, oneThreadGroup, setV8Flags } from '../dist/planes.js';

const PAYLOAD_BYTES = Number(process.argv[2] ?? 64);
const BLOCKS = Number(process.argv[3] ?? 400);
const NETWORK = process.argv[4] === 'network';
const PER_BLOCK = 2000;
const GEOMETRY = { capacityBytes: 1 << 24, payloadBytesMax: 1 << 19, windowBytes: 1 << 21 };

setV8Flags();
const directory = mkdtempSync('/dev/shm/mu-propose-path-');
const context = shmDevice({
  fabric: join(directory, 'fabric'),
  fabricRttNs: NETWORK ? 1 : 0,
}).open();
let nowUs = 1e6 + 0.5;
let applied = 0;
const members = oneThreadGroup({
  contexts: [context, context, context],
  geometry: GEOMETRY,
  tuning: DEFAULT_TUNING,
  nowUs: () => nowUs,
  stateMachine: () => ({ apply: (command) => (applied += command[0]) }),
});

/** One tick of everybody; a follower replays all there is. */
function tick() {
  nowUs += 100;
  for (const { replication, background } of members) {
    background.step(nowUs);
    do replication.step();
    while (replication.replayer.applied < replication.replayer.known);
  }
}

while (!members.some(({ replication }) => replication.leading)) tick();
const leader = members.find(({ replication }) => replication.leading);
const command = new Uint8Array(PAYLOAD_BYTES).fill(1);

function propose(bytes) {
  if (leader.direct.propose(bytes)?.kind !== 'decided') throw new Error('not decided');
}

// For most of its life a log's offsets are no small integers of V8's any more, which it keeps elsewhere.
const large = new Uint8Array(1 << 18).fill(1);
while (leader.replication.replayer.applied < 2 ** 31) {
  propose(large);
  tick();
}

function proposeBlock() {
  const begin = performance.now();
  for (let n = 0; n < PER_BLOCK; n++) propose(command);
  return ((performance.now() - begin) * 1e6) / PER_BLOCK;
}

function replayBlock() {
  const begin = performance.now();
  for (let round = 0; round < 8; round++) tick();
  return ((performance.now() - begin) * 1e6) / PER_BLOCK / (members.length - 1);
}

const proposing = [];
const replaying = [];
for (let block = 0; block < BLOCKS; block++) {
  proposing.push(proposeBlock());
  replaying.push(replayBlock());
}
/** Bytes of V8's heap that a proposal leaves behind; one step in 256 polls looks after everything else. */
function bytesPerProposal() {
  const before = process.memoryUsage().heapUsed;
  proposeBlock();
  return (process.memoryUsage().heapUsed - before) / PER_BLOCK;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
// A block in which garbage was collected shows less than nothing; most are not.
const allocated = median(Array.from({ length: 21 }, bytesPerProposal));
console.log(
  JSON.stringify({
    payloadBytes: PAYLOAD_BYTES,
    proposalNs: Math.round(median(proposing.slice(BLOCKS >> 1))),
    replayNs: Math.round(median(replaying.slice(BLOCKS >> 1))),
    bytesPerProposal: allocated,
  }),
);
context.close();
rmSync(directory, { recursive: true, force: true });
