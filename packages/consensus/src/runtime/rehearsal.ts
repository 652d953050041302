import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import { DEFAULT_TUNING, type Tuning } from '../limits.ts';
import { BackgroundAssembly, ReplicationAssembly } from '../planes/assembly.ts';
import { BackgroundPlane } from '../planes/background-plane.ts';
import { PlaneLink } from '../planes/plane-link.ts';
import { ReplicationPlane } from '../planes/replication-plane.ts';

const MEMBERS = 3;
const ROUNDS_MAX = 3000;
const COMMANDS = 400;
const GEOMETRY: LogGeometry = { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 };
const NONCE = [1, 2] as const;
const TUNING: Tuning = { ...DEFAULT_TUNING, verifySuspicions: false };

interface Member {
  readonly replication: ReplicationPlane<number>;
  readonly background: BackgroundPlane;
  readonly assemblies: readonly { close(): void }[];
}

/**
 * Plays a fail-over of a small group within the calling thread, on memory of its own, and throws it
 * all away.
 *
 * A replica takes over rarely, and then every millisecond counts; but JavaScript that never ran is
 * parsed and interpreted slowly the first time. Rehearsed in each of a replica's threads at its start,
 * the code of election, permissions, catching up and proposing is compiled when it is needed.
 */
export function rehearse(context: Context): void {
  let nowUs = 1e6;
  const members = assemble(context, () => nowUs);
  try {
    const command = new Uint8Array(64);
    let dead = 0;
    let decided = 0;
    for (let round = 0; round < ROUNDS_MAX && decided < 2 * COMMANDS; round++) {
      nowUs += TUNING.tickUs;
      for (const member of members.slice(dead)) {
        member.background.step(nowUs);
        member.replication.step();
        if (member.replication.leading) decided += proposeSome(member, command);
      }
      if (decided >= COMMANDS) dead = 1;
    }
  } finally {
    for (const { assemblies } of members) for (const assembly of assemblies) assembly.close();
  }
}

/** A few commands by both ways through; returns how many were posted. */
function proposeSome({ replication }: Member, command: Uint8Array): number {
  if (replication.proposeSync(command) === undefined) return 0;
  replication.poll();
  replication.takeSyncResult();
  for (let n = 0; n < 4; n++)
    replication.submit({ command, withdrawn: false, posted: false, settle: () => undefined });
  replication.prove(() => undefined);
  replication.step();
  return 5;
}

function assemble(context: Context, nowUs: () => number): Member[] {
  const replication = Array.from(
    { length: MEMBERS },
    () => new ReplicationAssembly(context, MEMBERS, GEOMETRY),
  );
  const background = Array.from(
    { length: MEMBERS },
    () => new BackgroundAssembly(context, MEMBERS),
  );
  for (let a = 0; a < MEMBERS; a++)
    for (let b = 0; b < MEMBERS; b++) {
      replication[a].connect(b, replication[b].offer(a));
      if (a !== b) background[a].connect(b, background[b].offer(a));
    }
  return replication.map((one, self) => member(self, one, background[self], nowUs));
}

function member(
  self: number,
  replication: ReplicationAssembly,
  background: BackgroundAssembly,
  nowUs: () => number,
): Member {
  const link = new PlaneLink();
  const shared = {
    self,
    replicas: MEMBERS,
    link,
    geometry: GEOMETRY,
    nonce: NONCE,
    tuning: TUNING,
  };
  const { sendRing, completionQueue, memory, lanes } = replication;
  let applied = 0;
  return {
    assemblies: [replication, background],
    replication: new ReplicationPlane<number>({
      ...shared,
      lanes,
      memory,
      sendRing,
      completionQueue,
      nowUs,
      stateMachine: {
        apply: () => ++applied,
        snapshot: () => [],
        restore: () => Promise.resolve(),
      },
      wakeBackground: () => undefined,
      events: { leading: () => undefined, ended: () => undefined },
    }),
    background: new BackgroundPlane({
      ...shared,
      peers: background.peers,
      incoming: replication.incoming,
      outgoing: replication.outgoing,
      scratch: background.scratch,
      log: memory.log.bytes,
      sendRing: background.sendRing,
      completionQueue: background.completionQueue,
      nowUs: nowUs(),
      wakeReplication: () => undefined,
    }),
  };
}
