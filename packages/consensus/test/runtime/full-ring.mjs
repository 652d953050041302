// Proposes until V8 has compiled that, and then until the ring is full, as when followers fall behind. What
// V8 throws away meanwhile is told by `--trace-deopt`, after the line `full`.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shmDevice } from '@mu-smr/verbs';
import { copyOf, DEFAULT_TUNING, oneThreadGroup, rehearse, setV8Flags } from '../../dist/planes.js';

// Copies, as a replica has them: of the same hidden class as those of its rehearsals.
const GEOMETRY = copyOf({ capacityBytes: 1 << 20, payloadBytesMax: 1 << 16, windowBytes: 1 << 18 });
const TUNING = copyOf(DEFAULT_TUNING, { proposeDeadlineMs: 1 });
const BLOCKS = 400;
const PER_BLOCK = 2000;

setV8Flags();
const directory = mkdtempSync('/dev/shm/mu-full-ring-');
const context = shmDevice({ fabric: join(directory, 'fabric') }).open();
rehearse(context, GEOMETRY, TUNING, () => undefined);
let nowUs = 1e6 + 0.5;
const members = oneThreadGroup({
  contexts: [context, context, context],
  geometry: GEOMETRY,
  tuning: TUNING,
  nowUs: () => nowUs,
  stateMachine: () => ({ apply: (command) => command[0] }),
});

function tick() {
  nowUs += TUNING.tickUs;
  for (const { replication, background } of members) {
    background.step(nowUs);
    do replication.step();
    while (replication.replayer.applied < replication.replayer.known);
  }
}

while (!members.some(({ replication }) => replication.leading)) tick();
const { direct } = members.find(({ replication }) => replication.leading);
const command = new Uint8Array(64);

for (let block = 0; block < BLOCKS; block++) {
  for (let n = 0; n < PER_BLOCK; n++) direct.propose(command);
  for (let round = 0; round < 8; round++) tick();
}

// What runs here for the first time is not compiled, and has nothing to throw away.
function fill() {
  for (;;) {
    const { kind } = direct.propose(command);
    if (kind !== 'decided') return kind;
  }
}

console.log('full');
console.log(fill());
context.close();
rmSync(directory, { recursive: true, force: true });
