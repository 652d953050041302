import { expect } from 'vitest';
import { AccessFlags } from '../../src/index.ts';
import type {
  Backend,
  CompletionQueue,
  ConnectOptions,
  Context,
  MemoryRegion,
  ProtectionDomain,
  QueuePair,
  QueuePairStateName,
  SendRing,
  WorkCompletion,
  WorkRequest,
  Device,
} from '../../src/index.ts';

/** Three devices of one provider that can reach each other, and a way to let time pass. */
export interface ProviderFixture {
  readonly devices: readonly [Device, Device, Device];
  /**
   * Lets work in flight make a little progress. False when nothing is in flight and nothing will
   * happen by itself; a provider that cannot know answers true.
   */
  advance(): boolean;
  /** The provider's raw side of a device, for what the object model does not do per thread. */
  backendOf(device: string): Backend;
  /** Waits until what is in flight has had time to arrive, where `advance` cannot tell. */
  settle?(): void;
}

/** In what providers differ, with our leave. */
export interface Traits {
  /** Whether a write with `wake` rings the target's doorbell. */
  readonly wakes: boolean;
  /**
   * Whether a queue pair admits its own peer only. Packets of an RC connection do not say who sent
   * them: on a network, another queue pair of the same port with the expected sequence number is
   * taken for the peer.
   */
  readonly knowsItsPeer: boolean;
  /** Whether there are messages, and queue pairs of the types UC and UD; elsewhere they are refused. */
  readonly messages: boolean;
}

export interface ProviderHooks {
  readonly traits: Traits;
  setup(): ProviderFixture | Promise<ProviderFixture>;
  teardown(fixture: ProviderFixture): void | Promise<void>;
}

export const EVERYTHING =
  AccessFlags.localWrite |
  AccessFlags.remoteWrite |
  AccessFlags.remoteRead |
  AccessFlags.remoteAtomic;
export const READ_ONLY = AccessFlags.localWrite | AccessFlags.remoteRead;

/** How long a completion may take: three times the default timeout of an RC connection, and some. */
const COMPLETION_DEADLINE_MS = 10_000;

export interface SideOptions {
  readonly regionBytes?: number;
  readonly regionAccess?: number;
  readonly completionQueueDepth?: number;
  readonly sendRingDepth?: number;
  readonly sendQueueDepth?: number;
  readonly inlineBytesMax?: number;
  readonly type?: 'RC' | 'UC';
  readonly receiveQueueDepth?: number;
}

const opened: Context[] = [];

/** Closes what a test left open because it failed: the next one must not find its traces. */
export function closeEverything(): void {
  for (const context of opened.splice(0)) context.close();
}

/** One end of a connection with all that belongs to it. */
export class Side {
  readonly context: Context;
  readonly domain: ProtectionDomain;
  readonly queue: CompletionQueue;
  readonly ring: SendRing;
  readonly region: MemoryRegion;
  readonly options: SideOptions;
  queuePair!: QueuePair;

  constructor(device: Device, options: SideOptions = {}) {
    this.options = options;
    this.context = device.open();
    opened.push(this.context);
    this.domain = this.context.allocateProtectionDomain();
    this.queue = this.context.createCompletionQueue(options.completionQueueDepth ?? 256);
    this.ring = this.context.createSendRing(options.sendRingDepth ?? 256);
    this.region = this.domain.allocateMemory(
      options.regionBytes ?? 4096,
      options.regionAccess ?? EVERYTHING,
    );
  }

  prepare() {
    return this.domain.createQueuePair({
      sendRing: this.ring,
      sendCompletionQueue: this.queue,
      sendQueueDepth: this.options.sendQueueDepth ?? 128,
      inlineBytesMax: this.options.inlineBytesMax ?? 0,
      type: this.options.type ?? 'RC',
      receiveQueueDepth: this.options.receiveQueueDepth ?? 0,
    });
  }

  post(request: WorkRequest): void {
    this.queuePair.postSend(request);
    this.queuePair.doorbell();
  }
}

export interface Pair {
  readonly a: Side;
  readonly b: Side;
}

export interface PairOptions {
  readonly a?: SideOptions;
  readonly b?: SideOptions;
  /** What b admits from a. Default everything. */
  readonly admits?: number;
  /** Which devices; default the first two. */
  readonly devices?: readonly [number, number];
}

/** Two connected sides. Permissions are given to a; b may do everything to a. */
export function connect(fixture: ProviderFixture, options: PairOptions = {}): Pair {
  const [first, second] = options.devices ?? [0, 1];
  const a = new Side(fixture.devices[first], options.a);
  const b = new Side(fixture.devices[second], options.b);
  join(a, b, options.admits ?? EVERYTHING);
  return { a, b };
}

/** Connects another queue pair of each side. */
export function join(a: Side, b: Side, admits: number): void {
  const ofA = a.prepare();
  const ofB = b.prepare();
  const endpointOfA = ofA.endpoint;
  a.queuePair = ofA.connect(ofB.endpoint, { accessFlags: EVERYTHING });
  b.queuePair = ofB.connect(endpointOfA, { accessFlags: admits });
}

export function closePair({ a, b }: Pair): void {
  a.context.close();
  b.context.close();
}

/** The next completion of a side. */
export function completion(fixture: ProviderFixture, side: Side): WorkCompletion {
  const deadline = Date.now() + COMPLETION_DEADLINE_MS;
  for (;;) {
    const found = side.queue.take();
    if (found !== undefined) return found;
    if (!fixture.advance()) {
      const last = side.queue.take();
      if (last !== undefined) return last;
      throw new Error('no completion, and nothing is in flight');
    }
    if (Date.now() > deadline) throw new Error('no completion in time');
  }
}

/** Posts, and waits for the outcome. */
export function run(fixture: ProviderFixture, side: Side, request: WorkRequest): WorkCompletion {
  side.post(request);
  return completion(fixture, side);
}

/** Lets everything in flight come to its end, as far as the provider can tell. */
export function settle(fixture: ProviderFixture): void {
  if (fixture.settle !== undefined) fixture.settle();
  else for (let n = 0; n < 100_000 && fixture.advance(); n++);
}

/**
 * What a queue pair comes to be in. The end that refused goes to ERR after it has answered, so whoever
 * has the answer may still find it in RTS.
 */
export function expectState(fixture: ProviderFixture, side: Side, state: QueuePairStateName): void {
  const deadline = Date.now() + COMPLETION_DEADLINE_MS;
  while (side.queuePair.control.state !== state && fixture.advance())
    if (Date.now() > deadline) break;
  expect(side.queuePair.control.state).toBe(state);
}

/** A write of bytes of a's region to the same place of b's. */
export function writeRequest(
  { a, b }: Pair,
  offset: number,
  length: number,
  more: Partial<WorkRequest & { kind: 'write' }> = {},
): WorkRequest {
  return {
    kind: 'write',
    local: { region: a.region, offset, length },
    remote: { remoteKey: b.region.remoteKey, offset },
    ...more,
  };
}

export function readRequest({ a, b }: Pair, offset: number, length: number): WorkRequest {
  return {
    kind: 'read',
    local: { region: a.region, offset, length },
    remote: { remoteKey: b.region.remoteKey, offset },
  };
}

/** Both sides RESET→INIT→RTR→RTS with matching fresh packet sequence numbers. */
export function cycleBoth({ a, b }: Pair, admits: number, psn: number): void {
  const numbers = { receivePacketSequenceNumber: psn, sendPacketSequenceNumber: psn };
  const ofA: ConnectOptions = { accessFlags: EVERYTHING, ...numbers };
  a.queuePair.control.cycle(ofA);
  b.queuePair.control.cycle({ ...ofA, accessFlags: admits });
}

/** Bytes that differ from place to place and from round to round. */
export function fill(bytes: Uint8Array, round = 1): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + (i >>> 8) + round * 101) & 0xff;
}
