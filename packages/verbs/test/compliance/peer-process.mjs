// A peer in a process of its own, driven over IPC: see PeerProcess in peer-client.ts. It runs the
// built package, as a user's process would.
import {
  AccessFlags,
  Device,
  ibverbsBackend,
  ibverbsDevice,
  shmBackend,
} from '../../dist/index.js';

const EVERYTHING =
  AccessFlags.localWrite |
  AccessFlags.remoteWrite |
  AccessFlags.remoteRead |
  AccessFlags.remoteAtomic;

let side;

const actions = {
  /** On an RDMA device, or without one on a fabric of shared memory. */
  open({ fabric, device, regionBytes }) {
    const backend = device === undefined ? shmBackend({ fabric }) : ibverbsBackend();
    const opened =
      device === undefined ? new Device(backend, backend.listDevices()[0]) : ibverbsDevice(device);
    const context = opened.open();
    const domain = context.allocateProtectionDomain();
    const queue = context.createCompletionQueue(256);
    const ring = context.createSendRing(256);
    const region = domain.allocateMemory(regionBytes, EVERYTHING);
    const prepared = domain.createQueuePair({ sendRing: ring, sendCompletionQueue: queue });
    side = { backend, context, domain, queue, ring, region, prepared };
    backend.watchThisThread(context.handle);
    return { endpoint: prepared.endpoint, remoteKey: region.remoteKey };
  },

  connect({ remote, accessFlags }) {
    side.queuePair = side.prepared.connect(remote, { accessFlags: accessFlags ?? EVERYTHING });
  },

  cycle({ psn }) {
    side.queuePair.control.cycle({
      accessFlags: EVERYTHING,
      receivePacketSequenceNumber: psn,
      sendPacketSequenceNumber: psn,
    });
  },

  fill({ value }) {
    side.region.bytes.fill(value);
  },

  bytes({ offset, length }) {
    return [...side.region.bytes.subarray(offset, offset + length)];
  },

  modifyAccess({ accessFlags }) {
    side.queuePair.control.modifyAccess(accessFlags);
  },

  write({ remoteKey, offset, length }) {
    return post({ kind: 'write', ...places(remoteKey, offset, length) }).status;
  },

  /** Writes one value after the other, for ever, until a write is refused; answers how that went. */
  stream({ remoteKey, offset, length, from, values }) {
    for (let n = 0; ; n++) {
      side.region.bytes.fill(from + (n % values), offset, offset + length);
      const { status } = post({ kind: 'write', ...places(remoteKey, offset, length) });
      if (status !== 'success') return { status, writes: n };
    }
  },

  add({ remoteKey, count }) {
    for (let n = 0; n < count; n++)
      post({ kind: 'fetchAndAdd', ...places(remoteKey, 0, 8), add: 1n });
  },

  close() {
    side.context.close();
  },
};

function places(remoteKey, offset, length) {
  return { local: { region: side.region, offset, length }, remote: { remoteKey, offset } };
}

function post(request) {
  side.queuePair.postSend(request);
  side.queuePair.doorbell();
  for (;;) {
    const done = side.queue.take();
    if (done !== undefined) return done;
  }
}

process.on('message', ({ id, action, input }) => {
  try {
    process.send({ id, result: actions[action](input) });
  } catch (error) {
    process.send({ id, error: String(error.stack) });
  }
});
// Whoever started us is gone: nobody will ask for anything any more.
process.on('disconnect', () => process.exit(0));
process.send({ id: 0 });
