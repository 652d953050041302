// Two ends of one connection, in one process: a write that is admitted, and one that no longer is.
import { AccessFlags, shmDevice } from '@mu-smr/verbs';

const { localWrite, remoteRead, remoteWrite } = AccessFlags;
const context = shmDevice({ fabric: `/dev/shm/loopback-${process.pid}` }).open();
const domain = context.allocateProtectionDomain();
const sendRing = context.createSendRing(64);
const sendCompletionQueue = context.createCompletionQueue(64);
const source = domain.allocateMemory(4096, localWrite);
const target = domain.allocateMemory(4096, localWrite | remoteRead | remoteWrite);

const [one, two] = [1, 2].map(() => domain.createQueuePair({ sendRing, sendCompletionQueue }));
const endpoint = one.endpoint; // plain data: between machines it travels as JSON
const writer = one.connect(two.endpoint, { accessFlags: remoteRead });
const owner = two.connect(endpoint, { accessFlags: remoteRead | remoteWrite });

function write(text) {
  const { written } = new TextEncoder().encodeInto(text, source.bytes);
  writer.postSend({
    kind: 'write',
    local: { region: source, offset: 0, length: written },
    remote: { remoteKey: target.remoteKey, offset: 128 },
  });
  writer.doorbell();
  return sendCompletionQueue.take().status;
}

console.log(write('hello'), new TextDecoder().decode(target.bytes.subarray(128, 133)));
owner.control.modifyAccess(remoteRead); // from here on not one byte changes
console.log(write('again'), new TextDecoder().decode(target.bytes.subarray(128, 133)));
console.log(write('more'), owner.control.state);
context.close();
