import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import {
  ContextControl,
  currentThreadId,
  QueuePairControl,
  scheduleThisThread,
  signalWaker,
} from '@mu-smr/verbs';
import { BackgroundAssembly, type BackgroundOffer } from '../planes/assembly.ts';
import { BackgroundPlane } from '../planes/background-plane.ts';
import { Int, PlaneLink } from '../planes/plane-link.ts';
import type {
  BackgroundData,
  BackgroundTask,
  FromBackground,
  QueuePairReference,
  TaskMessage,
} from './background-protocol.ts';
import { clockAhead, monotonicUs } from './clock.ts';
import { copyOf } from './copy-of.ts';
import { Practice } from './practice.ts';
import { rehearse } from './rehearsal.ts';
import { ThreadBoost } from './thread-boost.ts';
import { backendOf, deviceOf, withRehearsalContext } from './transport.ts';

/**
 * The thread of the background plane: tasks, a step, a native wait, again and again, until the stop
 * word is set. It never returns to its event loop in between: it looks for messages when a word in
 * shared memory says that there are any, and everything else it must notice is there, too.
 */
const data = workerData as BackgroundData;
if (parentPort === null) throw new Error('background-worker runs as a worker thread only');
const port = parentPort;

const backend = backendOf(data.transport);
const context = deviceOf(data.transport).attach(data.contextHandle);
const tuning = copyOf(data.tuning);
const geometry = copyOf(data.geometry);
const { fifoPriority, tickUs, spinUs } = tuning;
withRehearsalContext(data.transport, context, (stage) => {
  const boost = new ThreadBoost(currentThreadId(), boostPriority(fifoPriority));
  rehearse(stage, geometry, tuning, boost.raise);
  boost.end();
});
const assembly = new BackgroundAssembly(context, data.slots);
const link = new PlaneLink(data.link);
const doorbell = new ContextControl(backend, data.contextHandle);
const { policy, reason } = scheduleThisThread(fifoPriority);
const boost = new ThreadBoost(
  data.replicationThread,
  policy === 'fifo' ? boostPriority(fifoPriority) : 0,
);
const plane = new BackgroundPlane({
  self: data.self,
  slots: data.slots,
  link,
  scratch: assembly.scratch,
  log: new Uint8Array(backend.openMemory(data.logRegion)),
  sendRing: assembly.sendRing,
  completionQueue: assembly.completionQueue,
  geometry,
  nonce: data.nonce,
  tuning,
  nowUs: clockAhead({ us: 0 }),
  wakeReplication: () => {
    link.wakeReplication();
    signalWaker(data.waker);
  },
  raiseReplication: boost.raise,
});
/** How long the thread waits awake for a request that is to come at any moment. */
const REQUEST_SPIN_US = 200;
const practice = new Practice(
  { transport: data.transport, geometry, tuning },
  new ThreadBoost(currentThreadId(), 0).raise,
);
let mail = 0;
let practised = 0;

/** Below the background thread, which ends the boost. */
function boostPriority(ofThisThread: number): number {
  return Math.max(0, ofThisThread - 1);
}

function reply(message: FromBackground): void {
  port.postMessage(message);
}

function control({ handle, remote }: QueuePairReference): QueuePairControl {
  return new QueuePairControl(backend, handle, remote);
}

function perform(task: BackgroundTask): BackgroundOffer | undefined {
  const { peer } = task;
  switch (task.kind) {
    case 'offer':
      return assembly.offer(peer);
    case 'attach':
      assembly.connect(peer, task.offer);
      return undefined;
    case 'watch': {
      const incoming = control(task.incoming);
      const outgoing = control(task.outgoing);
      const reached = assembly.peers.find(({ id }) => id === peer);
      plane.connect({ id: peer, incoming, outgoing, peer: reached }, monotonicUs());
      return undefined;
    }
    case 'detach':
      assembly.disconnect(peer);
      plane.disconnect(peer, monotonicUs());
      return undefined;
  }
}

function takeMail(): void {
  if (link.int(Int.mail) === mail) return;
  mail = link.int(Int.mail);
  for (
    let message = receiveMessageOnPort(port);
    message !== undefined;
    message = receiveMessageOnPort(port)
  ) {
    const { number, task } = message.message as TaskMessage;
    try {
      reply({ kind: 'done', number, offer: perform(task) });
    } catch (error) {
      reply({ kind: 'failed', number, error: error as Error });
    }
  }
}

/** A step for each that the replication plane's thread did, while neither has to take over. */
function practise(): void {
  if (link.int(Int.practised) === practised || !link.isLed) return;
  practised = link.int(Int.practised);
  practice.step();
}

doorbell.watchThisThread();
reply({ kind: 'ready', scheduling: reason === undefined ? policy : `${policy} (${reason})` });
try {
  while (link.int(Int.stop) === 0) {
    takeMail();
    const expectsRequest = plane.step(monotonicUs());
    if (!expectsRequest) practise();
    doorbell.waitForWake(tickUs, expectsRequest ? Math.max(spinUs, REQUEST_SPIN_US) : spinUs);
  }
} finally {
  boost.end();
}
practice.close();
context.close();
// Not `port.close()`: an event loop that runs out drains V8's platform tasks, and a compile job there
// can wait for ever for a collection in this isolate, which no longer runs.
process.exit();
