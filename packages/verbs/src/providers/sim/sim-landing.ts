import { AccessFlags } from '../../access-flags.ts';
import { QueuePairState } from '../../queue-pair-state.ts';
import { Opcode, WorkCompletionStatus } from '../../work-completion.ts';
import type { SimRegion } from './sim-host.ts';
import type { SimQueuePair } from './sim-queue-pair.ts';
import type { SimWorkRequest } from './sim-work-request.ts';

/** What an operation needs of the queue pair and of the region it reaches. */
export function remoteAccessNeeded(opcode: number): number {
  if (opcode === Opcode.rdmaWrite) return AccessFlags.remoteWrite;
  return opcode === Opcode.rdmaRead ? AccessFlags.remoteRead : AccessFlags.remoteAtomic;
}

/**
 * Whether the target takes the next packet of `source` for the continuation of their connection.
 * When it does not it is silent: to the sender it looks like a lost packet.
 */
export function admits(
  target: SimQueuePair,
  source: SimQueuePair,
  request: SimWorkRequest,
): boolean {
  const works =
    target.state === QueuePairState.readyToReceive || target.state === QueuePairState.readyToSend;
  return (
    works &&
    target.remoteNumber === source.number &&
    target.remoteAddress === source.host.address &&
    target.receivePsn === source.sendPsn &&
    // The rest of a message cannot follow a reset of the queue pair that took its beginning.
    (request.targetEpoch === -1 || request.targetEpoch === target.epoch)
  );
}

/**
 * Status with which the target refuses, or success. Asked again for every piece: a permission taken
 * away in the middle of a write stops it there.
 */
export function refusalOf(
  target: SimQueuePair,
  request: SimWorkRequest,
  region: SimRegion | undefined,
): number {
  const needed = remoteAccessNeeded(request.opcode);
  const { remoteInvalidRequest, remoteAccessError, success } = WorkCompletionStatus;
  if ((target.accessFlags & needed) === 0) return remoteInvalidRequest;
  // An operation on no bytes names no region: InfiniBand does not look at its key.
  if (request.length === 0) return success;
  const atomic = needed === AccessFlags.remoteAtomic;
  if (atomic && request.remoteOffset % 8 !== 0) return remoteInvalidRequest;
  if (region === undefined || region.domain !== target.domain) return remoteAccessError;
  if ((region.access & needed) === 0) return remoteAccessError;
  if (request.remoteOffset + request.length > region.bytes.length) return remoteAccessError;
  return success;
}

/** The local bytes of a request, or undefined when it may not use them (`localProtectionError`). */
export function localBytes(
  queuePair: SimQueuePair,
  request: SimWorkRequest,
): Uint8Array | undefined {
  const region = queuePair.host.regions.find(request.localRegion);
  if (region === undefined || region.domain !== queuePair.domain) return undefined;
  if (request.localOffset + request.length > region.bytes.length) return undefined;
  const stores = request.opcode !== Opcode.rdmaWrite;
  if (stores && (region.access & AccessFlags.localWrite) === 0) return undefined;
  return region.bytes.subarray(request.localOffset, request.localOffset + request.length);
}

/** Compare-and-swap or fetch-and-add on 8 bytes, in halves; returns what was there. */
export function performAtomic(region: SimRegion, request: SimWorkRequest): Uint8Array {
  const at = request.remoteOffset;
  const found = region.bytes.slice(at, at + 8);
  const view = new DataView(region.bytes.buffer, at, 8);
  const low = view.getUint32(0, true);
  const high = view.getUint32(4, true);
  if (request.opcode === Opcode.compareAndSwap) {
    if (low === request.compareAddLow && high === request.compareAddHigh) {
      view.setUint32(0, request.swapLow, true);
      view.setUint32(4, request.swapHigh, true);
    }
    return found;
  }
  const sum = low + request.compareAddLow;
  const carry = sum > 0xffff_ffff ? 1 : 0;
  view.setUint32(0, sum >>> 0, true);
  view.setUint32(4, (high + request.compareAddHigh + carry) >>> 0, true);
  return found;
}
