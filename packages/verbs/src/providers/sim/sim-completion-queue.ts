import { CompletionEntry, completionRingBytes, Ring } from '../../ring-layout.ts';
import type { SimContext } from './sim-host.ts';
import type { SimQueuePair } from './sim-queue-pair.ts';
import type { SimWorkRequest } from './sim-work-request.ts';

/** The producer's end of a completion ring. */
export class SimCompletionQueue {
  readonly context: SimContext;
  readonly depth: number;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly queuePairs = new Set<SimQueuePair>();
  /** Set by an overrun, for good, as on hardware: no completion can be trusted any more. */
  fatal = false;

  constructor(context: SimContext, depth: number) {
    this.context = context;
    this.depth = depth;
    this.words = new Uint32Array(new ArrayBuffer(completionRingBytes(depth)));
  }

  /** False when the ring was full or is fatal: the completion is lost. */
  push(queuePair: SimQueuePair, request: SimWorkRequest, status: number, retired: number): boolean {
    const words = this.words;
    const producer = words[Ring.producer];
    if (this.fatal || ((producer - words[Ring.consumer]) | 0) >= this.depth) {
      this.fatal = true;
      return false;
    }
    const at = Ring.entries + (producer & (this.depth - 1)) * CompletionEntry.words;
    words[at + CompletionEntry.workRequestIdLow] = request.idLow;
    words[at + CompletionEntry.workRequestIdHigh] = request.idHigh;
    words[at + CompletionEntry.status] = status;
    words[at + CompletionEntry.opcode] = request.opcode;
    words[at + CompletionEntry.byteLength] = status === 0 ? request.length : 0;
    words[at + CompletionEntry.queuePairNumber] = queuePair.number;
    words[at + CompletionEntry.retired] = retired;
    words[at + CompletionEntry.queuePair] = queuePair.handle;
    words[Ring.producer] = (producer + 1) >>> 0;
    return true;
  }
}
