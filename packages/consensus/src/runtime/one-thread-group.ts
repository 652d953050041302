import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import { Configuration } from '../core/configuration.ts';
import type { Tuning } from '../limits.ts';
import { BackgroundAssembly, ReplicationAssembly } from '../planes/assembly.ts';
import { BackgroundPlane } from '../planes/background-plane.ts';
import { PlaneLink } from '../planes/plane-link.ts';
import { ReplicationPlane } from '../planes/replication-plane.ts';
import type { StateMachine } from '../state-machine.ts';
import { DirectMode } from './direct-mode.ts';
import { Timeline } from './timeline.ts';

/** Numbers above 31 bits, as those of a real group mostly are. */
const NONCE = [0x8000_0001, 0xffff_fffe] as const;

/** What all members of a group have in common. */
export interface OneThreadGroupOptions<Result> {
  /** One for each member; several may be the same. */
  readonly contexts: readonly Context[];
  readonly geometry: LogGeometry;
  readonly tuning: Tuning;
  readonly nowUs: () => number;
  readonly stateMachine: (self: number) => StateMachine<Result>;
  /** Of the replicas' background planes; a single thread has nobody to raise. */
  readonly raiseReplication?: (raised: boolean) => void;
}

/** One replica of the group: both of its planes, to be stepped by whoever made them. */
export interface OneThreadMember<Result> {
  readonly id: number;
  readonly replication: ReplicationPlane<Result>;
  readonly direct: DirectMode<Result>;
  readonly background: BackgroundPlane;
  /** The ends that others write our log through. */
  readonly incoming: ReplicationAssembly['incoming'];
  /** Gone as a killed process is: whatever the others post to it fails. */
  close(): void;
}

/**
 * In place of functions that are a replica's own. Two of each: where V8 has seen but one function called, it
 * takes that for granted, and throws the caller's code away when there comes another.
 */
const idle = (): void => undefined;
const idler = (): void => undefined;

/**
 * Founds a group of replicas within the calling thread: for rehearsals, tests and measurements of the
 * replicas' own code.
 */
export function oneThreadGroup<Result>(
  options: OneThreadGroupOptions<Result>,
): OneThreadMember<Result>[] {
  const { contexts, geometry } = options;
  const slots = contexts.length;
  const replication = contexts.map((context) => new ReplicationAssembly(context, slots, geometry));
  const background = contexts.map((context) => new BackgroundAssembly(context, slots));
  for (let a = 0; a < slots; a++)
    for (let b = 0; b < slots; b++) {
      replication[a].connect(b, replication[b].offer(a));
      if (a !== b) background[a].connect(b, background[b].offer(a));
    }
  return replication.map((one, self) => member(options, self, one, background[self]));
}

function member<Result>(
  options: OneThreadGroupOptions<Result>,
  self: number,
  replication: ReplicationAssembly,
  background: BackgroundAssembly,
): OneThreadMember<Result> {
  const { contexts, geometry, tuning, nowUs, raiseReplication = idle } = options;
  const slots = contexts.length;
  const link = new PlaneLink();
  const plane = replicationPlane(options, self, link, replication);
  const backgroundPlane = new BackgroundPlane({
    self,
    slots,
    link,
    scratch: background.scratch,
    log: replication.memory.log.bytes,
    sendRing: background.sendRing,
    completionQueue: background.completionQueue,
    geometry,
    nonce: NONCE,
    tuning,
    nowUs,
    wakeReplication: self === 0 ? idle : idler,
    raiseReplication: self === 0 ? idle : raiseReplication,
  });
  for (let id = 0; id < slots; id++) {
    const incoming = replication.incoming(id);
    const outgoing = replication.outgoing(id);
    const peer = background.peers.find((one) => one.id === id);
    backgroundPlane.connect({ id, incoming, outgoing, peer }, nowUs());
    plane.membership.connected(id, id + 1);
  }
  plane.beginning.found(Configuration.initial(contexts.map((_, id) => id + 1)));
  return {
    id: self,
    replication: plane,
    direct: new DirectMode(plane, link, tuning),
    background: backgroundPlane,
    incoming: (from) => replication.incoming(from),
    close: () => {
      replication.close();
      background.close();
    },
  };
}

function replicationPlane<Result>(
  options: OneThreadGroupOptions<Result>,
  self: number,
  link: PlaneLink,
  assembly: ReplicationAssembly,
): ReplicationPlane<Result> {
  const { contexts, geometry, tuning, nowUs } = options;
  const timeline = new Timeline(link, () => undefined);
  const machine = options.stateMachine(self);
  // Names in the order that replicas have them in, and no `...`: else V8 gives each of these objects a
  // hidden class of its own, and looks fields up by name in the real planes from then on.
  return new ReplicationPlane<Result>({
    self,
    slots: contexts.length,
    incarnation: self + 1,
    link,
    lanes: assembly.lanes,
    memory: assembly.memory,
    sendRing: assembly.sendRing,
    completionQueue: assembly.completionQueue,
    geometry,
    nonce: NONCE,
    tuning,
    nowUs,
    // Two functions, as there are two of `idle`.
    apply:
      self === 0
        ? (command, context) => machine.apply(command, context)
        : (command, context) => machine.apply(command, context),
    stateMachine: machine,
    wakeBackground: self === 0 ? idle : idler,
    events: {
      leading: timeline.leading,
      ended: timeline.ended,
      // Nobody looks at the states here.
      diverged: () => undefined,
    },
  });
}
