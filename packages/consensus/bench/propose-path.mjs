// The leader's own cost of a proposal, without the noise of other threads: three replicas of one
// process, stepped in turn; only the leader's proposals are timed. Medians of blocks.
//
//   node bench/propose-path.mjs [payload bytes] [blocks]
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shmDevice } from '@mu-smr/verbs';
import {
  BackgroundAssembly,
  BackgroundPlane,
  Configuration,
  DEFAULT_TUNING,
  PlaneLink,
  ReplicationAssembly,
  ReplicationPlane,
} from '../dist/planes.js';

const PAYLOAD_BYTES = Number(process.argv[2] ?? 64);
const BLOCKS = Number(process.argv[3] ?? 400);
const PER_BLOCK = 2000;
const MEMBERS = 3;
const GEOMETRY = { capacityBytes: 1 << 24, payloadBytesMax: 1 << 19, windowBytes: 1 << 21 };
const NONCE = [0x8000_0001, 0xffff_fffe];

const directory = mkdtempSync('/dev/shm/mu-propose-path-');
const context = shmDevice({ fabric: join(directory, 'fabric') }).open();
let nowUs = 1e6 + 0.5;

const replication = Array.from(
  { length: MEMBERS },
  () => new ReplicationAssembly(context, MEMBERS, GEOMETRY),
);
const background = Array.from({ length: MEMBERS }, () => new BackgroundAssembly(context, MEMBERS));
for (let a = 0; a < MEMBERS; a++)
  for (let b = 0; b < MEMBERS; b++) {
    replication[a].connect(b, replication[b].offer(a));
    if (a !== b) background[a].connect(b, background[b].offer(a));
  }

const members = replication.map((assembly, self) => {
  const link = new PlaneLink();
  const shared = {
    self,
    slots: MEMBERS,
    incarnation: self + 1,
    link,
    geometry: GEOMETRY,
    nonce: NONCE,
    tuning: DEFAULT_TUNING,
  };
  let applied = 0;
  const plane = new ReplicationPlane({
    ...shared,
    lanes: assembly.lanes,
    memory: assembly.memory,
    sendRing: assembly.sendRing,
    completionQueue: assembly.completionQueue,
    nowUs: () => nowUs,
    stateMachine: { apply: (command) => (applied += command[0]) },
    wakeBackground: () => undefined,
    events: { leading: () => undefined, ended: () => undefined },
  });
  const { peers, scratch, sendRing, completionQueue } = background[self];
  const backgroundPlane = new BackgroundPlane({
    ...shared,
    scratch,
    log: assembly.memory.log.bytes,
    sendRing,
    completionQueue,
    nowUs,
    wakeReplication: () => undefined,
    raiseReplication: () => undefined,
  });
  for (let id = 0; id < MEMBERS; id++) {
    const [incoming, outgoing] = [assembly.incoming(id), assembly.outgoing(id)];
    const peer = peers.find((one) => one.id === id);
    backgroundPlane.connect({ id, incoming, outgoing, peer }, nowUs);
    plane.membership.connected(id, id + 1);
  }
  plane.beginning.found(Configuration.initial([1, 2, 3]));
  return { plane, backgroundPlane };
});

/** One tick of everybody; a follower replays all there is. */
function tick() {
  nowUs += 100;
  for (const { plane, backgroundPlane } of members) {
    backgroundPlane.step(nowUs);
    do plane.step();
    while (plane.replayer.applied < plane.replayer.known);
  }
}

while (!members.some(({ plane }) => plane.leading)) tick();
const leader = members.find(({ plane }) => plane.leading);
const command = new Uint8Array(PAYLOAD_BYTES).fill(1);

function proposeBlock() {
  const begin = performance.now();
  for (let n = 0; n < PER_BLOCK; n++) {
    if (leader.plane.proposeSync(command) === undefined) throw new Error('no room');
    leader.plane.poll();
    if (!leader.plane.syncDone) throw new Error('not decided');
    leader.plane.takeSyncResult();
  }
  return ((performance.now() - begin) * 1e6) / PER_BLOCK;
}

function replayBlock() {
  const begin = performance.now();
  for (let round = 0; round < 8; round++) tick();
  return ((performance.now() - begin) * 1e6) / PER_BLOCK / (MEMBERS - 1);
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
