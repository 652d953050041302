import { setFlagsFromString } from 'node:v8';
import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import type { Tuning } from '../limits.ts';
import { BackgroundAssembly, ReplicationAssembly } from '../planes/assembly.ts';
import { Configuration } from '../core/configuration.ts';
import { BackgroundPlane } from '../planes/background-plane.ts';
import { PlaneLink } from '../planes/plane-link.ts';
import { ReplicationPlane } from '../planes/replication-plane.ts';
import { monotonicUs } from './clock.ts';
import { DirectMode } from './direct-mode.ts';
import { Timeline } from './timeline.ts';

const MEMBERS = 3;
const ROUNDS_MAX = 3000;
/** Commands before and after the death; in the fail-overs that follow the first. */
const COMMANDS = 400;
const COMMANDS_AGAIN = 20;
const FAIL_OVERS = 24;
/** Numbers above 31 bits, as those of a real group mostly are. */
const NONCE = [0x8000_0001, 0xffff_fffe] as const;

interface Member {
  readonly replication: ReplicationPlane<number>;
  readonly direct: DirectMode<number>;
  readonly background: BackgroundPlane;
  readonly assemblies: readonly { close(): void }[];
}

/** A small ring, and a tuning in which a command that finds no room is given up at once. */
interface Stage {
  readonly context: Context;
  readonly geometry: LogGeometry;
  readonly tuning: Tuning;
}

/**
 * Plays fail-overs of a small group within the calling thread, on memory of its own, and throws it all
 * away.
 *
 * A replica takes over rarely, and then every microsecond counts; but JavaScript that never ran is
 * parsed and interpreted slowly the first time. Rehearsed in each of a replica's threads at its start,
 * the code of election, permissions, catching up and proposing is compiled when it is needed. One
 * fail-over is enough to have it parsed, some dozens to have it optimised for what happens in one.
 *
 * V8 optimises for the layout of the objects it saw: geometry and tuning are copies of the replica's
 * own, and the clock shows fractions, as the real one does.
 */
export function rehearse(context: Context, geometry: LogGeometry, tuning: Tuning): void {
  // Else V8 forgets the bytecode of what did not run for a while: all of this, that is.
  setFlagsFromString('--no-flush-bytecode');
  // The path of a proposal is some forty small functions; V8 stops inlining in the middle of it otherwise.
  setFlagsFromString('--max-inlined-bytecode-size=1500');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');
  const stage: Stage = {
    context,
    geometry: { ...geometry, capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 },
    tuning: { ...tuning, proposeDeadlineMs: 1 },
  };
  playFailOver(stage, COMMANDS);
  for (let again = 1; again < FAIL_OVERS; again++) playFailOver(stage, COMMANDS_AGAIN);
}

function playFailOver(stage: Stage, commands: number): void {
  let nowUs = 1e6 + 0.5;
  const members = assemble(stage, () => nowUs);
  try {
    const command = new Uint8Array(64);
    let alive = members;
    let decided = 0;
    for (let round = 0; round < ROUNDS_MAX && decided < 2 * commands; round++) {
      nowUs += stage.tuning.tickUs;
      for (const member of alive) {
        member.background.step(nowUs);
        member.replication.step();
        if (member.replication.leading) decided += proposeSome(member, command);
      }
      const leader = alive.find((member) => member.replication.leading);
      if (decided < commands || alive !== members || leader === undefined) continue;
      // Its last command is in the others' logs, and nobody knows it to be decided: it is adopted.
      leader.replication.proposeSync(command);
      // Gone as a killed process is: whatever the others post to it fails.
      close(leader);
      alive = members.filter((member) => member !== leader);
    }
  } finally {
    for (const member of members) close(member);
  }
}

function close({ assemblies }: Member): void {
  for (const assembly of assemblies) assembly.close();
}

/** A few commands by both ways through; returns how many were posted. */
function proposeSome({ replication, direct }: Member, command: Uint8Array): number {
  if (direct.propose(command)?.kind !== 'decided') return 0;
  for (let n = 0; n < 4; n++)
    replication.submit({ command, withdrawn: false, posted: false, settle: () => undefined });
  replication.prove(() => undefined);
  replication.step();
  return 5;
}

function assemble(stage: Stage, nowUs: () => number): Member[] {
  const { context, geometry } = stage;
  const replication = Array.from(
    { length: MEMBERS },
    () => new ReplicationAssembly(context, MEMBERS, geometry),
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
  return replication.map((one, self) => member(stage, self, one, background[self], nowUs));
}

function member(
  { geometry, tuning }: Stage,
  self: number,
  replication: ReplicationAssembly,
  background: BackgroundAssembly,
  nowUs: () => number,
): Member {
  const link = new PlaneLink();
  const shared = { self, slots: MEMBERS, link, geometry, nonce: NONCE, tuning };
  const { sendRing, completionQueue, memory, lanes } = replication;
  let applied = 0;
  const timeline = new Timeline(link, () => undefined);
  const plane = new ReplicationPlane<number>({
    ...shared,
    incarnation: self + 1,
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
    events: {
      leading: () => timeline.leading(monotonicUs()),
      ended: () => timeline.ended(),
      // The state here is nobody's: it has no digest.
      diverged: () => undefined,
    },
  });
  const backgroundPlane = new BackgroundPlane({
    ...shared,
    scratch: background.scratch,
    log: memory.log.bytes,
    sendRing: background.sendRing,
    completionQueue: background.completionQueue,
    nowUs: nowUs(),
    wakeReplication: () => undefined,
    raiseReplication: () => undefined,
  });
  for (let id = 0; id < MEMBERS; id++) {
    const incoming = replication.incoming(id);
    const outgoing = replication.outgoing(id);
    const peer = background.peers.find((one) => one.id === id);
    backgroundPlane.connect({ id, incoming, outgoing, peer }, nowUs());
    plane.membership.connected(id, id + 1);
  }
  plane.beginning.found(Configuration.initial([1, 2, 3]));
  return {
    assemblies: [replication, background],
    replication: plane,
    direct: new DirectMode(plane, link, tuning),
    background: backgroundPlane,
  };
}
