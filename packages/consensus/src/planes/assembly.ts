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
  /** The ways to write each replica's log, by id; `undefined` where nobody is connected. */
  readonly lanes: (Lane | undefined)[];
  readonly #domain: ProtectionDomain;
  readonly #seats: (ReplicationSeat | undefined)[];

  /** `slots` is how many replicas there is room for. */
  constructor(context: Context, slots: number, geometry: LogGeometry) {
    const domain = context.allocateProtectionDomain();
    this.#domain = domain;
    const { localWrite, remoteRead, remoteWrite } = AccessFlags;
    this.memory = {
      log: domain.allocateMemory(logBytes(geometry), localWrite | remoteRead | remoteWrite),
      staging: domain.allocateMemory(new StagingLayout(geometry, slots).totalBytes, localWrite),
    };
    this.completionQueue = context.createCompletionQueue(powerOfTwo(slots * LANE_DEPTH));
    this.sendRing = context.createSendRing(powerOfTwo(slots * LANE_DEPTH));
    this.lanes = new Array<undefined>(slots).fill(undefined);
    this.#seats = new Array<undefined>(slots).fill(undefined);
  }

  /** What `peer` must know; for our own id too, to connect the loopback lane. */
  offer(peer: ReplicaId): ReplicationOffer {
    const { outgoing, incoming } = this.#seat(peer);
    return {
      outgoing: outgoing.endpoint,
      incoming: incoming.endpoint,
      logKey: this.memory.log.remoteKey,
    };
  }

  /** Connects both lanes with `peer`; nobody may write yet. */
  connect(peer: ReplicaId, offer: ReplicationOffer): void {
    const seat = this.#seat(peer);
    const queuePair = seat.outgoing.connect(offer.incoming, { accessFlags: 0, ...FIRST_PSN });
    this.lanes[peer] = { to: peer, queuePair, logKey: offer.logKey };
    seat.posts = queuePair;
    seat.connected = seat.incoming.connect(offer.outgoing, {
      accessFlags: AccessFlags.remoteRead,
      ...FIRST_PSN,
    });
  }

  /**
   * Destroys both lanes with `peer`, of which neither plane may know any more; another may be
   * connected then.
   */
  disconnect(peer: ReplicaId): void {
    this.lanes[peer] = undefined;
    const seat = this.#seats[peer];
    this.#seats[peer] = undefined;
    if (seat === undefined) return;
    for (const end of [seat.outgoing, seat.incoming, seat.posts, seat.connected]) end?.close();
  }

  /** The end at which a replica that is connected writes our log. */
  incoming(writer: ReplicaId): QueuePairControl {
    return present(this.#seats[writer]?.connected, writer).control;
  }

  /** The end on which we post to a replica that is connected, for the background plane to repair. */
  outgoing(to: ReplicaId): QueuePairControl {
    return present(this.lanes[to], to).queuePair.control;
  }

  /** Closes everything; what closes with the context anyway need not be closed so. */
  close(): void {
    this.#domain.close();
    this.sendRing.close();
    this.completionQueue.close();
  }

  #seat(peer: ReplicaId): ReplicationSeat {
    return (this.#seats[peer] ??= {
      outgoing: this.#prepare(),
      incoming: this.#prepare(),
      posts: undefined,
      connected: undefined,
    });
  }

  #prepare(): PreparedQueuePair {
    return this.#domain.createQueuePair({
      sendRing: this.sendRing,
      sendCompletionQueue: this.completionQueue,
      sendQueueDepth: LANE_DEPTH,
    });
  }
}

/** Our two queue pairs with one replica. */
interface ReplicationSeat {
  readonly outgoing: PreparedQueuePair;
  readonly incoming: PreparedQueuePair;
  /** The same once they are connected: the outgoing one, and the incoming one. */
  posts: QueuePair | undefined;
  connected: QueuePair | undefined;
}

/** The background plane's verbs objects: the scratchpad, and one queue pair per other replica. */
export class BackgroundAssembly {
  readonly scratch: MemoryRegion;
  readonly sendRing: SendRing;
  readonly completionQueue: CompletionQueue;
  readonly #domain: ProtectionDomain;
  readonly #prepared: (PreparedQueuePair | undefined)[];
  readonly #peers: (BackgroundPeer | undefined)[];

  constructor(context: Context, slots: number) {
    const domain = context.allocateProtectionDomain();
    this.#domain = domain;
    const { localWrite, remoteRead, remoteWrite } = AccessFlags;
    this.scratch = domain.allocateMemory(SCRATCHPAD_BYTES, localWrite | remoteRead | remoteWrite);
    this.completionQueue = context.createCompletionQueue(powerOfTwo(slots * PEER_DEPTH));
    this.sendRing = context.createSendRing(powerOfTwo(slots * PEER_DEPTH));
    this.#prepared = new Array<undefined>(slots).fill(undefined);
    this.#peers = new Array<undefined>(slots).fill(undefined);
  }

  offer(peer: ReplicaId): BackgroundOffer {
    return { endpoint: this.#seat(peer).endpoint, scratchKey: this.scratch.remoteKey };
  }

  connect(peer: ReplicaId, offer: BackgroundOffer): BackgroundPeer {
    const queuePair = this.#seat(peer).connect(offer.endpoint, {
      accessFlags: AccessFlags.remoteRead | AccessFlags.remoteWrite,
      ...FIRST_PSN,
    });
    return (this.#peers[peer] = { id: peer, queuePair, scratchKey: offer.scratchKey });
  }

  /** Destroys the queue pair with `peer`; another may be connected then. */
  disconnect(peer: ReplicaId): void {
    this.#peers[peer]?.queuePair.close();
    this.#prepared[peer]?.close();
    this.#peers[peer] = undefined;
    this.#prepared[peer] = undefined;
  }

  close(): void {
    this.#domain.close();
    this.sendRing.close();
    this.completionQueue.close();
  }

  #seat(peer: ReplicaId): PreparedQueuePair {
    return (this.#prepared[peer] ??= this.#domain.createQueuePair({
      sendRing: this.sendRing,
      sendCompletionQueue: this.completionQueue,
      sendQueueDepth: PEER_DEPTH,
    }));
  }

  /** Those that are connected. */
  get peers(): BackgroundPeer[] {
    return this.#peers.filter((peer) => peer !== undefined);
  }
}

function present<T>(connected: T | undefined, id: ReplicaId): T {
  if (connected === undefined) throw new Error(`replica ${id} is not connected`);
  return connected;
}
