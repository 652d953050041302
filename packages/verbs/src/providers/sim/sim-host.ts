import { HandleTable } from './handle-table.ts';
import type { SimCompletionQueue } from './sim-completion-queue.ts';
import type { SimQueuePair } from './sim-queue-pair.ts';

export interface SimContext {
  readonly handle: number;
  /** The doorbell: set by a write with `wake`, cleared by the wait that sees it. */
  rung: boolean;
  /** Domains, completion queues and rings that must be closed before the context. */
  children: number;
}

export interface SimDomain {
  readonly context: SimContext;
  /** Regions and queue pairs that must be closed before the domain. */
  children: number;
}

export interface SimRegion {
  readonly handle: number;
  readonly domain: SimDomain;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly access: number;
  readonly remoteKey: number;
}

export interface SimSendRing {
  readonly context: SimContext;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly depth: number;
}

/** One machine of the fabric from its start to its crash; a restart makes another one. */
export class SimHost {
  readonly name: string;
  /** Name and incarnation: a peer of the machine before the crash must not reach the one after. */
  readonly address: string;
  readonly contexts = new HandleTable<SimContext>();
  readonly domains = new HandleTable<SimDomain>();
  readonly regions = new HandleTable<SimRegion>();
  readonly completionQueues = new HandleTable<SimCompletionQueue>();
  readonly sendRings = new HandleTable<SimSendRing>();
  readonly queuePairs = new HandleTable<SimQueuePair>();
  state: 'running' | 'paused' | 'crashed' = 'running';
  /** Nothing that this host posted goes on landing: the copy is made by a thread that stands still. */
  nicStopped = false;

  constructor(name: string, incarnation: number) {
    this.name = name;
    this.address = `${name}/${incarnation}`;
  }
}
