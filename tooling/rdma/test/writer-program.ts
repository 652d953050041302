// Writes into a target's memory from a process and a device of its own: see permission.guest.ts.
import {
  AccessFlags,
  ibverbsDevice,
  type CompletionQueue,
  type MemoryRegion,
  type QueuePair,
  type QueuePairEndpoint,
} from '../../../packages/verbs/src/index.ts';

const SLOTS = 16;
const WINDOW = 8;

const context = ibverbsDevice('rxe1').open();
const domain = context.allocateProtectionDomain();
const queue: CompletionQueue = context.createCompletionQueue(64);
const region: MemoryRegion = domain.allocateMemory(1 << 20, AccessFlags.localWrite);
const prepared = domain.createQueuePair({
  sendRing: context.createSendRing(64),
  sendCompletionQueue: queue,
});
let queuePair: QueuePair | undefined;

type Asked =
  | { readonly action: 'connect'; readonly remote: QueuePairEndpoint }
  | { readonly action: 'cycle'; readonly psn: number }
  | { readonly action: 'stream'; readonly remoteKey: number; readonly length: number };

/** Writes sealed entries, each full of its number, into one slot after the other until one is refused. */
function stream(remoteKey: number, length: number): { status: string; acknowledged: number } {
  if (queuePair === undefined) throw new Error('not connected');
  let posted = 0;
  let acknowledged = 0;
  for (;;) {
    while (posted - acknowledged < WINDOW) {
      const offset = (posted % SLOTS) * length;
      region.bytes.fill((posted % 250) + 1, offset, offset + length);
      queuePair.postSend({
        kind: 'write',
        seal: true,
        local: { region, offset, length },
        remote: { remoteKey, offset },
      });
      posted++;
    }
    queuePair.doorbell();
    for (let done = queue.take(); done !== undefined; done = queue.take()) {
      if (done.status !== 'success') return { status: done.status, acknowledged };
      acknowledged++;
    }
  }
}

function answer(asked: Asked): unknown {
  if (asked.action === 'stream') return stream(asked.remoteKey, asked.length);
  if (asked.action === 'connect') {
    queuePair = prepared.connect(asked.remote, { accessFlags: 0 });
    return undefined;
  }
  queuePair?.control.cycle({
    accessFlags: 0,
    receivePacketSequenceNumber: asked.psn,
    sendPacketSequenceNumber: asked.psn,
  });
  while (queue.take() !== undefined);
  return undefined;
}

process.on('message', (asked: Asked) => process.send?.({ result: answer(asked) }));
process.on('disconnect', () => process.exit(0));
process.send?.({ result: prepared.endpoint });
