import { logBytes, type LogGeometry } from '@mu-smr/log';
import {
  AccessFlags,
  type CompletionQueue,
  type Context,
  type MemoryRegion,
  type PreparedQueuePair,
  type ProtectionDomain,
  type QueuePair,
  type QueuePairControl,
  type QueuePairEndpoint,
  type SendRing,
} from '@mu-smr/verbs';
import type { ReplicaId } from '../propose-outcome.ts';
import { generationPsn } from './background-lanes.ts';
import type { Lane, ReplicationMemory } from './lane.ts';
import type { BackgroundPeer } from './peer-monitor.ts';
import { SCRATCHPAD_BYTES } from './scratchpad.ts';
import { StagingLayout } from './staging.ts';

const LANE_DEPTH = 512;
const PEER_DEPTH = 64;
const FIRST_PSN = {
  receivePacketSequenceNumber: generationPsn(0),
  sendPacketSequenceNumber: generationPsn(0),
};

/** The smallest power of two that holds `count`. */
function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}

/** What one replica tells another so that the other can connect: plain data, sent as JSON. */
export interface ReplicationOffer {
  /** Where it posts to us, and where we may post to it. */
  readonly outgoing: QueuePairEndpoint;
  readonly incoming: QueuePairEndpoint;
  readonly logKey: number;
}

export interface BackgroundOffer {
  readonly endpoint: QueuePairEndpoint;
  readonly scratchKey: number;
}

/**
 * The replication plane's verbs objects: the log, staging, and two lanes per replica, the own
 * included. They have a protection domain of their own, so the log is out of reach of everything else.
 */
export class ReplicationAssembly {
  readonly memory: ReplicationMemory;
  readonly sendRing: SendRing;
  readonly completionQueue: CompletionQueue;
  readonly #domain: ProtectionDomain;
  readonly #outgoing: PreparedQueuePair[];
  readonly #incoming: PreparedQueuePair[];
  readonly #lanes: (Lane | undefined)[];
  readonly #connectedIncoming: (QueuePair | undefined)[];

  constructor(context: Context, replicas: number, geometry: LogGeometry) {
    const domain = context.allocateProtectionDomain();
    this.#domain = domain;
    const { localWrite, remoteRead, remoteWrite } = AccessFlags;
    this.memory = {
      log: domain.allocateMemory(logBytes(geometry), localWrite | remoteRead | remoteWrite),
      staging: domain.allocateMemory(new StagingLayout(geometry, replicas).totalBytes, localWrite),
    };
    this.completionQueue = context.createCompletionQueue(powerOfTwo(2 * replicas * LANE_DEPTH));
    this.sendRing = context.createSendRing(powerOfTwo(2 * replicas * LANE_DEPTH));
    const prepare = (): PreparedQueuePair[] =>
      Array.from({ length: replicas }, () => this.#prepare(domain));
    this.#outgoing = prepare();
    this.#incoming = prepare();
    this.#lanes = new Array<Lane | undefined>(replicas).fill(undefined);
    this.#connectedIncoming = new Array<QueuePair | undefined>(replicas).fill(undefined);
  }

  /** What `peer` must know; for our own id too, to connect the loopback lane. */
  offer(peer: ReplicaId): ReplicationOffer {
    return {
      outgoing: this.#outgoing[peer].endpoint,
      incoming: this.#incoming[peer].endpoint,
      logKey: this.memory.log.remoteKey,
    };
  }

  /** Connects both lanes with `peer`; nobody may write yet. */
  connect(peer: ReplicaId, offer: ReplicationOffer): void {
    const outgoing = this.#outgoing[peer].connect(offer.incoming, { accessFlags: 0, ...FIRST_PSN });
    this.#lanes[peer] = { to: peer, queuePair: outgoing, logKey: offer.logKey };
    this.#connectedIncoming[peer] = this.#incoming[peer].connect(offer.outgoing, {
      accessFlags: AccessFlags.remoteRead,
      ...FIRST_PSN,
    });
  }

  /** The ways to write each replica's log. All must be connected. */
  get lanes(): Lane[] {
    return complete(this.#lanes);
  }

  /** The ends at which our log is written. */
  get incoming(): QueuePairControl[] {
    return complete(this.#connectedIncoming).map((queuePair) => queuePair.control);
  }

  /** The ends on which we post, for the background plane to repair. */
  get outgoing(): QueuePairControl[] {
    return this.lanes.map((lane) => lane.queuePair.control);
  }

  /** Closes everything; what closes with the context anyway need not be closed so. */
  close(): void {
    this.#domain.close();
    this.sendRing.close();
    this.completionQueue.close();
  }

  #prepare(domain: ProtectionDomain): PreparedQueuePair {
    return domain.createQueuePair({
      sendRing: this.sendRing,
      sendCompletionQueue: this.completionQueue,
      sendQueueDepth: LANE_DEPTH,
    });
  }
}

/** The background plane's verbs objects: the scratchpad, and one queue pair per other replica. */
export class BackgroundAssembly {
  readonly scratch: MemoryRegion;
  readonly sendRing: SendRing;
  readonly completionQueue: CompletionQueue;
  readonly #domain: ProtectionDomain;
  readonly #prepared: PreparedQueuePair[];
  readonly #peers: BackgroundPeer[] = [];

  constructor(context: Context, replicas: number) {
    const domain = context.allocateProtectionDomain();
    this.#domain = domain;
    const { localWrite, remoteRead, remoteWrite } = AccessFlags;
    this.scratch = domain.allocateMemory(SCRATCHPAD_BYTES, localWrite | remoteRead | remoteWrite);
    this.completionQueue = context.createCompletionQueue(powerOfTwo(replicas * PEER_DEPTH));
    this.sendRing = context.createSendRing(powerOfTwo(replicas * PEER_DEPTH));
    this.#prepared = Array.from({ length: replicas }, () =>
      domain.createQueuePair({
        sendRing: this.sendRing,
        sendCompletionQueue: this.completionQueue,
        sendQueueDepth: PEER_DEPTH,
      }),
    );
  }

  offer(peer: ReplicaId): BackgroundOffer {
    return { endpoint: this.#prepared[peer].endpoint, scratchKey: this.scratch.remoteKey };
  }

  connect(peer: ReplicaId, offer: BackgroundOffer): void {
    const queuePair = this.#prepared[peer].connect(offer.endpoint, {
      accessFlags: AccessFlags.remoteRead | AccessFlags.remoteWrite,
      ...FIRST_PSN,
    });
    this.#peers.push({ id: peer, queuePair, scratchKey: offer.scratchKey });
  }

  close(): void {
    this.#domain.close();
    this.sendRing.close();
    this.completionQueue.close();
  }

  get peers(): readonly BackgroundPeer[] {
    return this.#peers;
  }
}

function complete<T>(connected: readonly (T | undefined)[]): T[] {
  return connected.map((one, id) => {
    if (one === undefined) throw new Error(`replica ${id} is not connected`);
    return one;
  });
}
