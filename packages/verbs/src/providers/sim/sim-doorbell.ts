import { sealTrailer, TRAILER_BYTES } from '../../integrity.ts';
import { Ring, SendEntry, SendFlags, WriteNow } from '../../ring-layout.ts';
import { Opcode, WorkCompletionStatus } from '../../work-completion.ts';
import { takeInWrites } from './sim-await-writes.ts';
import type { SimHost, SimSendRing } from './sim-host.ts';
import { localBytes } from './sim-landing.ts';
import type { SimNic } from './sim-nic.ts';
import type { SimQueuePair } from './sim-queue-pair.ts';
import { takeWorkRequest, type SimWorkRequest } from './sim-work-request.ts';

/** Hands every posted entry of a ring to the NIC, in order. */
export function ringDoorbell(host: SimHost, ring: SimSendRing, nic: SimNic): void {
  // A dead machine's program may still be unwinding.
  if (host.state === 'crashed') return;
  const { words } = ring;
  let consumer = words[Ring.consumer];
  while (consumer !== words[Ring.producer]) {
    const at = Ring.entries + (consumer & (ring.depth - 1)) * SendEntry.words;
    consumer = (consumer + 1) >>> 0;
    words[Ring.consumer] = consumer;
    hand(host, words, at, nic);
  }
}

/**
 * The doorbell, and then the ring's write to all of its targets: a bit for each that has it when this
 * returns, and what else `Backend.writeNow` tells.
 */
export function writeToAll(
  host: SimHost,
  ring: SimSendRing,
  nic: SimNic,
  immediate: boolean,
): number {
  ringDoorbell(host, ring, nic);
  if (host.state === 'crashed') return 0;
  const now = ring.words.subarray(Ring.entries + ring.depth * SendEntry.words);
  const entry = new Uint32Array(SendEntry.words);
  entry[SendEntry.opcodeAndFlags] = now[WriteNow.firstOpcodeAndFlags];
  entry[SendEntry.localRegion] = now[WriteNow.localRegion];
  entry[SendEntry.localOffset] = now[WriteNow.localOffset];
  entry[SendEntry.length] = now[WriteNow.length];
  entry[SendEntry.remoteOffset] = now[WriteNow.remoteOffset];
  entry[SendEntry.workRequestIdLow] = now[WriteNow.workRequestIdLow];
  let done = 0;
  for (let n = 0; n < now[WriteNow.count]; n++) {
    const target = WriteNow.targets + n * WriteNow.targetWords;
    entry[SendEntry.queuePair] = now[target];
    entry[SendEntry.remoteKey] = now[target + 1];
    entry[SendEntry.workRequestIdHigh] = now[target + 2];
    if (!immediate) hand(host, entry, 0, nic);
    else if (writeNow(host, entry, nic)) done |= 1 << n;
    entry[SendEntry.opcodeAndFlags] = now[WriteNow.opcodeAndFlags];
  }
  return immediate || now[WriteNow.needed] === 0 ? done : awaitWrites(host, ring);
}

/** What was found done of that write since. */
export function awaitWrites(host: SimHost, ring: SimSendRing): number {
  const now = ring.words.subarray(Ring.entries + ring.depth * SendEntry.words);
  const queue = host.completionQueues.find(now[WriteNow.completionQueue]);
  return queue === undefined || host.state === 'crashed' ? 0 : takeInWrites(now, queue);
}

function writeNow(host: SimHost, words: Uint32Array, nic: SimNic): boolean {
  const queuePair = host.queuePairs.find(words[SendEntry.queuePair]);
  const request = takeWorkRequest(words, 0);
  if (queuePair === undefined) {
    forget(host, request);
    return false;
  }
  const refusal = refuseAtDoorbell(queuePair, request);
  if (refusal === WorkCompletionStatus.success) {
    takeBytes(queuePair, request);
    return nic.writeNow(queuePair, request);
  }
  queuePair.fail();
  queuePair.complete(request, refusal);
  return false;
}

function hand(host: SimHost, words: Uint32Array, at: number, nic: SimNic): void {
  const queuePair = host.queuePairs.find(words[at + SendEntry.queuePair]);
  const request = takeWorkRequest(words, at);
  if (queuePair !== undefined) start(queuePair, request, nic);
  else forget(host, request);
}

/**
 * A queue pair may be destroyed between posting and the doorbell; its requests go with it. Others may
 * carry the bytes that one was to seal.
 */
function forget(host: SimHost, request: SimWorkRequest): void {
  const bytes = host.regions.find(request.localRegion)?.bytes;
  const { flags, localOffset, length } = request;
  if ((flags & SendFlags.seal) === 0 || bytes === undefined || length < TRAILER_BYTES) return;
  if (localOffset + length <= bytes.length) sealTrailer(bytes, localOffset, localOffset + length);
}

function start(queuePair: SimQueuePair, request: SimWorkRequest, nic: SimNic): void {
  const refusal = refuseAtDoorbell(queuePair, request);
  if (refusal === WorkCompletionStatus.success) {
    takeBytes(queuePair, request);
    nic.post(queuePair, request);
    return;
  }
  // What was posted before is flushed first: completions keep the posted order.
  queuePair.fail();
  queuePair.complete(request, refusal);
}

/** What a NIC finds wrong before it sends anything. */
function refuseAtDoorbell(queuePair: SimQueuePair, request: SimWorkRequest): number {
  if (request.opcode > Opcode.fetchAndAdd) return WorkCompletionStatus.localQueuePairOperationError;
  const inline = (request.flags & SendFlags.inline) !== 0;
  const seal = (request.flags & SendFlags.seal) !== 0;
  if (inline && request.length > queuePair.inlineBytesMax)
    return WorkCompletionStatus.localLengthError;
  if (seal && request.length < TRAILER_BYTES) return WorkCompletionStatus.localLengthError;
  return WorkCompletionStatus.success;
}

/** Seals in place, as the offload does, and copies what is inline; the rest is read when it is sent. */
function takeBytes(queuePair: SimQueuePair, request: SimWorkRequest): void {
  if (request.opcode !== Opcode.rdmaWrite) return;
  const seal = (request.flags & SendFlags.seal) !== 0;
  const inline = (request.flags & SendFlags.inline) !== 0;
  if (!seal && !inline) return;
  const bytes = localBytes(queuePair, request);
  // A range that may not be used ends in a completion once its turn has come.
  if (bytes === undefined) return;
  if (seal) sealTrailer(bytes, 0, bytes.length);
  if (inline) request.bytes = bytes.slice();
}
