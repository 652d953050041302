import { parentPort, workerData } from 'node:worker_threads';
import {
  ContextControl,
  QueuePairControl,
  scheduleThisThread,
  scheduleThread,
  signalWaker,
  type Backend,
} from '@mu-smr/verbs';
import { BackgroundAssembly } from '../planes/assembly.ts';
import { BackgroundPlane } from '../planes/background-plane.ts';
import { PlaneLink } from '../planes/plane-link.ts';
import type {
  BackgroundData,
  FromBackground,
  QueuePairReference,
  ToBackground,
} from './background-protocol.ts';
import { monotonicUs } from './clock.ts';
import { rehearse } from './rehearsal.ts';
import { backendOf, deviceOf, withRehearsalContext } from './transport.ts';

/**
 * The thread of the background plane: set-up by messages, then a native wait and a step, again and
 * again, until the stop word is set. It never returns to its event loop in between, so a message
 * would not reach it: everything it must notice is in shared memory.
 */
const data = workerData as BackgroundData;
if (parentPort === null) throw new Error('background-worker runs as a worker thread only');
const port = parentPort;

const backend = backendOf(data.transport);
const context = deviceOf(data.transport).attach(data.contextHandle);
withRehearsalContext(data.transport, context, (stage) =>
  rehearse(stage, data.geometry, data.tuning),
);
const assembly = new BackgroundAssembly(context, data.replicas);
const link = new PlaneLink(data.link);

function reply(message: FromBackground): void {
  port.postMessage(message);
}

port.on('message', (message: ToBackground) => {
  if (message.kind === 'connect') connect(message);
  else run();
});
reply({
  kind: 'offers',
  offers: Array.from({ length: data.replicas }, (_, peer) => assembly.offer(peer)),
});

let plane: BackgroundPlane | undefined;

function connect(message: ToBackground & { kind: 'connect' }): void {
  for (const [peer, offer] of message.offers) assembly.connect(peer, offer);
  const { fifoPriority } = data.tuning;
  const { policy, reason } = scheduleThisThread(fifoPriority);
  plane = new BackgroundPlane({
    self: data.self,
    replicas: data.replicas,
    link,
    peers: assembly.peers,
    incoming: message.incoming.map((one) => control(backend, one)),
    outgoing: message.outgoing.map((one) => control(backend, one)),
    scratch: assembly.scratch,
    log: new Uint8Array(backend.openMemory(message.logRegion)),
    sendRing: assembly.sendRing,
    completionQueue: assembly.completionQueue,
    geometry: data.geometry,
    nonce: data.nonce,
    tuning: data.tuning,
    nowUs: monotonicUs(),
    wakeReplication: () => {
      link.wakeReplication();
      signalWaker(data.waker);
    },
    // Below this thread, which ends the boost.
    raiseReplication: (raised) => {
      if (policy === 'fifo' && fifoPriority > 1) boost(raised ? fifoPriority - 1 : 0);
    },
  });
  const doorbell = new ContextControl(backend, data.contextHandle);
  doorbell.watchThisThread();
  reply({ kind: 'connected', scheduling: reason === undefined ? policy : `${policy} (${reason})` });
}

let boosted = false;

/** Schedules the replication plane's thread; 0 ends a boost. */
function boost(fifoPriority: number): void {
  boosted = fifoPriority > 0;
  scheduleThread(data.replicationThread, fifoPriority);
}

function control(of: Backend, reference: QueuePairReference): QueuePairControl {
  return new QueuePairControl(of, reference.handle, reference.remote);
}

/** Runs until the stop word is set, which it already is when the replica's start was called off. */
function run(): void {
  const doorbell = new ContextControl(backend, data.contextHandle);
  const { tickUs, spinUs } = data.tuning;
  try {
    while (link.int('stop') === 0) {
      if (plane === undefined) throw new Error('run before connect');
      plane.step(monotonicUs());
      doorbell.waitForWake(tickUs, spinUs);
    }
  } finally {
    // Nobody else would end it.
    if (boosted) boost(0);
  }
  context.close();
  // Not `port.close()`: an event loop that runs out drains V8's platform tasks, and a compile job there
  // can wait for ever for a collection in this isolate, which no longer runs.
  process.exit();
}
