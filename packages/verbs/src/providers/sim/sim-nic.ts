import { QueuePairState } from '../../queue-pair-state.ts';
import { SendFlags } from '../../ring-layout.ts';
import { Opcode, WorkCompletionStatus } from '../../work-completion.ts';
import type { EventQueue } from './event-queue.ts';
import type { Random } from './random.ts';
import { drawDelayNs, type SimLink } from './sim-faults.ts';
import type { SimHost, SimRegion } from './sim-host.ts';
import { admits, localBytes, performAtomic, refusalOf } from './sim-landing.ts';
import { PSN_MASK, type SimQueuePair } from './sim-queue-pair.ts';
import type { SimWorkRequest } from './sim-work-request.ts';

/** Bytes of one host that were changed by another's operation, at the moment they changed. */
export interface SimWriteEvent {
  readonly from: string;
  readonly to: string;
  readonly remoteKey: number;
  readonly offset: number;
  readonly length: number;
  /** Queue pair that posted, and the one that admitted. */
  readonly sourceQueuePairNumber: number;
  readonly targetQueuePairNumber: number;
  /** Whether the operation is whole with these bytes. */
  readonly last: boolean;
}

/** What the NICs share: the fabric as they see it. */
export interface SimWires {
  now: number;
  readonly mtuBytes: number;
  /** Whether `writeNow` carries out its writes itself, as the posting thread does on `shm`. */
  readonly immediate: boolean;
  readonly events: EventQueue;
  readonly random: Random;
  readonly queuePairs: Map<number, SimQueuePair>;
  readonly regions: Map<number, SimRegion>;
  readonly writeObservers: Set<(event: SimWriteEvent) => void>;
  ring(host: SimHost, queuePair: SimQueuePair): void;
}

/**
 * Moves the work requests of all hosts. Each queue pair has at most two events in the queue: the next
 * piece that lands, and the next outcome that its poster learns; so both are in order by construction.
 */
export class SimNic {
  readonly #wires: SimWires;

  constructor(wires: SimWires) {
    this.#wires = wires;
  }

  /** Takes over a work request at the doorbell. */
  post(queuePair: SimQueuePair, request: SimWorkRequest): void {
    if (queuePair.state !== QueuePairState.readyToSend) {
      queuePair.complete(request, WorkCompletionStatus.workRequestFlushed);
      return;
    }
    const { requestDelayNs } = queuePair.link.faults;
    request.notBeforeNs = this.#wires.now + drawDelayNs(this.#wires.random, requestDelayNs);
    queuePair.queue.push(request);
    this.#scheduleLanding(queuePair);
  }

  /**
   * Carries out a write before it returns; whether it is a success, of which no completion comes. A
   * write is in pieces here, too: whoever observes one may crash the writer, or take its right away.
   */
  writeNow(queuePair: SimQueuePair, request: SimWorkRequest): boolean {
    const status = this.#write(queuePair, request);
    if (status === WorkCompletionStatus.success) return true;
    queuePair.complete(request, status);
    queuePair.fail();
    return false;
  }

  #write(queuePair: SimQueuePair, request: SimWorkRequest): number {
    const { queuePairs, regions, random, mtuBytes } = this.#wires;
    if (queuePair.state !== QueuePairState.readyToSend)
      return WorkCompletionStatus.workRequestFlushed;
    const local = localBytes(queuePair, request);
    if (local === undefined) return WorkCompletionStatus.localProtectionError;
    const target = queuePairs.get(queuePair.remoteNumber);
    const region = regions.get(request.remoteKey);
    const { epoch, host } = queuePair;
    while (request.moved < request.length) {
      if (queuePair.epoch !== epoch) return WorkCompletionStatus.workRequestFlushed;
      if (queuePair.link.losesRequests || host.nicStopped || target === undefined) break;
      if (!admits(target, queuePair, request)) break;
      request.targetEpoch = target.epoch;
      const refusal = refusalOf(target, request, region);
      if (refusal !== WorkCompletionStatus.success) {
        target.fail();
        return refusal;
      }
      const from = request.moved;
      let bytes = Math.min(mtuBytes, request.length - from);
      if (bytes > 1 && random.chance(queuePair.link.faults.tearProbability))
        bytes = 1 + random.below(bytes - 1);
      region?.bytes.set(local.subarray(from, from + bytes), request.remoteOffset + from);
      request.moved += bytes;
      const last = request.moved === request.length;
      this.#observe(queuePair, target, request, from, bytes, last);
    }
    return request.moved === request.length
      ? WorkCompletionStatus.success
      : WorkCompletionStatus.retryExceeded;
  }

  /** Continues what stood still while the host's NIC was stopped. */
  resume(host: SimHost): void {
    for (const queuePair of host.queuePairs.values()) {
      this.#scheduleLanding(queuePair);
      this.#scheduleAcknowledgement(queuePair);
    }
  }

  #scheduleLanding(queuePair: SimQueuePair, delayNs = 0): void {
    const request = queuePair.queue[queuePair.reached];
    if (request === undefined || queuePair.landingScheduled) return;
    // After an outcome that is not success nothing else leaves: the connection is broken.
    const previous = queuePair.queue[queuePair.reached - 1];
    if (previous !== undefined && previous.status !== WorkCompletionStatus.success) return;
    queuePair.landingScheduled = true;
    const at = Math.max(this.#wires.now + delayNs, request.notBeforeNs);
    this.#wires.events.push(at, this.#land, queuePair, queuePair.epoch);
  }

  readonly #land = (queuePair: SimQueuePair, epoch: number): void => {
    if (epoch !== queuePair.epoch) return;
    queuePair.landingScheduled = false;
    if (queuePair.host.nicStopped) return;
    const request = queuePair.queue[queuePair.reached];
    const { link } = queuePair;
    const target = this.#wires.queuePairs.get(queuePair.remoteNumber);

    const local =
      request.opcode === Opcode.rdmaWrite && request.bytes !== undefined
        ? request.bytes
        : localBytes(queuePair, request);
    if (local === undefined) {
      this.#reach(queuePair, request, WorkCompletionStatus.localProtectionError, 0);
      return;
    }
    if (link.losesRequests || target === undefined || !admits(target, queuePair, request)) {
      this.#tryAgain(queuePair, request, link);
      return;
    }
    request.silentSinceNs = -1;

    const region = this.#wires.regions.get(request.remoteKey);
    const refusal = refusalOf(target, request, region);
    if (refusal !== WorkCompletionStatus.success) {
      this.#reach(queuePair, request, refusal, this.#acknowledgementDelay(link));
      // The target's side is in ERR at once; the poster learns of it with its completion.
      target.fail();
      return;
    }
    request.targetEpoch = target.epoch;
    this.#move(queuePair, target, request, local, region, link);
  };

  /** Moves one piece, at most one packet, and says what comes next. */
  #move(
    queuePair: SimQueuePair,
    target: SimQueuePair,
    request: SimWorkRequest,
    local: Uint8Array,
    region: SimRegion | undefined,
    link: SimLink,
  ): void {
    const { random, mtuBytes } = this.#wires;
    const from = request.moved;
    const packetRest = Math.min(mtuBytes - (from % mtuBytes), request.length - from);
    let bytes = packetRest;
    const atomic =
      request.opcode === Opcode.compareAndSwap || request.opcode === Opcode.fetchAndAdd;
    if (!atomic && packetRest > 1 && random.chance(link.faults.tearProbability))
      bytes = 1 + random.below(packetRest - 1);

    if (region !== undefined && request.length > 0) {
      const at = request.remoteOffset + from;
      if (atomic) request.bytes = performAtomic(region, request);
      else if (request.opcode === Opcode.rdmaWrite)
        region.bytes.set(local.subarray(from, from + bytes), at);
      else {
        request.bytes ??= new Uint8Array(request.length);
        request.bytes.set(region.bytes.subarray(at, at + bytes), from);
      }
    }
    request.moved += bytes;
    const last = request.moved === request.length;
    if (bytes === packetRest) {
      queuePair.sendPsn = (queuePair.sendPsn + 1) & PSN_MASK;
      target.receivePsn = (target.receivePsn + 1) & PSN_MASK;
    }
    if (last) {
      const delay = this.#acknowledgementDelay(link);
      this.#reach(queuePair, request, WorkCompletionStatus.success, delay);
    }
    this.#scheduleLanding(queuePair, drawDelayNs(random, link.faults.pieceDelayNs));
    // Observers last: they may crash or modify what has just been written.
    if (request.opcode !== Opcode.rdmaRead && bytes > 0)
      this.#observe(queuePair, target, request, from, bytes, last);
    if (last && (request.flags & SendFlags.wake) !== 0) this.#wires.ring(target.host, target);
  }

  /** The outcome of a request is settled at the target, and on its way back. */
  #reach(
    queuePair: SimQueuePair,
    request: SimWorkRequest,
    status: number,
    acknowledgementDelayNs: number,
  ): void {
    request.status = status;
    request.acknowledgedAtNs = this.#wires.now + acknowledgementDelayNs;
    queuePair.reached++;
    this.#scheduleAcknowledgement(queuePair);
  }

  #scheduleAcknowledgement(queuePair: SimQueuePair, delayNs = 0): void {
    if (queuePair.reached === 0 || queuePair.acknowledgementScheduled) return;
    queuePair.acknowledgementScheduled = true;
    const at = Math.max(this.#wires.now + delayNs, queuePair.queue[0].acknowledgedAtNs);
    this.#wires.events.push(at, this.#acknowledge, queuePair, queuePair.epoch);
  }

  readonly #acknowledge = (queuePair: SimQueuePair, epoch: number): void => {
    if (epoch !== queuePair.epoch) return;
    queuePair.acknowledgementScheduled = false;
    if (queuePair.host.nicStopped) return;
    const request = queuePair.queue[0];
    const { link } = queuePair;
    const answered =
      request.status !== WorkCompletionStatus.localProtectionError &&
      request.status !== WorkCompletionStatus.retryExceeded;
    if (answered && link.losesAcknowledgements) {
      if (request.silentSinceNs === -1) request.silentSinceNs = this.#wires.now;
      const left = request.silentSinceNs + link.faults.retryTimeoutNs - this.#wires.now;
      if (left > 0) {
        this.#scheduleAcknowledgement(queuePair, Math.min(left, link.faults.retryIntervalNs));
        return;
      }
      request.status = WorkCompletionStatus.retryExceeded;
    }
    this.#finish(queuePair, request);
  };

  /** The poster learns the outcome of its oldest work request. */
  #finish(queuePair: SimQueuePair, request: SimWorkRequest): void {
    queuePair.queue.shift();
    queuePair.reached--;
    let status = request.status;
    if (status === WorkCompletionStatus.success && request.opcode !== Opcode.rdmaWrite) {
      const local = localBytes(queuePair, request);
      if (local === undefined) status = WorkCompletionStatus.localProtectionError;
      else if (request.bytes !== undefined) local.set(request.bytes);
    }
    queuePair.complete(request, status);
    if (status === WorkCompletionStatus.success) this.#scheduleAcknowledgement(queuePair);
    else queuePair.fail();
  }

  /** The peer is silent: the packet is sent again until the time for that is over. */
  #tryAgain(queuePair: SimQueuePair, request: SimWorkRequest, link: SimLink): void {
    const { retryTimeoutNs, retryIntervalNs } = link.faults;
    if (request.silentSinceNs === -1) request.silentSinceNs = this.#wires.now;
    const left = request.silentSinceNs + retryTimeoutNs - this.#wires.now;
    if (left > 0) this.#scheduleLanding(queuePair, Math.min(left, retryIntervalNs));
    else this.#reach(queuePair, request, WorkCompletionStatus.retryExceeded, 0);
  }

  #acknowledgementDelay(link: SimLink): number {
    return drawDelayNs(this.#wires.random, link.faults.acknowledgementDelayNs);
  }

  #observe(
    queuePair: SimQueuePair,
    target: SimQueuePair,
    request: SimWorkRequest,
    from: number,
    length: number,
    last: boolean,
  ): void {
    if (this.#wires.writeObservers.size === 0) return;
    const event: SimWriteEvent = {
      from: queuePair.host.name,
      to: target.host.name,
      remoteKey: request.remoteKey,
      offset: request.remoteOffset + from,
      length,
      sourceQueuePairNumber: queuePair.number,
      targetQueuePairNumber: target.number,
      last,
    };
    for (const observer of this.#wires.writeObservers) observer(event);
  }
}
