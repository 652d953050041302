import { randomBytes } from 'node:crypto';
import { currentThreadId, EventLoopWaker, type Context } from '@mu-smr/verbs';
import { ReplicationAssembly } from '../planes/assembly.ts';
import type { PlaneLink } from '../planes/plane-link.ts';
import type { ReplicationEvents } from '../planes/replication-options.ts';
import { ReplicationPlane } from '../planes/replication-plane.ts';
import { agreement, groupNonce, type CompleteOptions } from '../replica-options.ts';
import { BackgroundThread } from './background-thread.ts';
import { clockAhead } from './clock.ts';
import { Connections } from './connections.ts';
import type { Greeting } from './handshake.ts';
import { Meeting } from './meeting.ts';
import { placesOf } from './meeting-place.ts';
import { mayPractise, Practice } from './practice.ts';
import { rehearse } from './rehearsal.ts';
import { Rendezvous, type Guest } from './rendezvous.ts';
import { StateTransfer } from './state-transfer.ts';
import { backendOf, deviceOf, withRehearsalContext } from './transport.ts';
import { setV8Flags } from './v8-flags.ts';

/** How a running replica is told of things. */
export interface RuntimeHooks {
  /** The event loop was woken: something may be to do. */
  readonly woken: () => void;
  readonly failed: (error: Error) => void;
  readonly events: ReplicationEvents;
}

/** A replica's threads, memory and connections: made, connected with the group, and ended. */
export class Runtime<Result> {
  /** How the background thread is scheduled. */
  scheduling = 'not started';
  /** This life of the replica: not to be had by another, so 48 random bits. */
  readonly incarnation = 1 + randomBytes(6).readUIntBE(0, 6);
  readonly plane: ReplicationPlane<Result>;
  /** For a thread that waits to lead. */
  readonly practice: Practice | undefined;
  readonly #o: CompleteOptions<Result>;
  readonly #link: PlaneLink;
  readonly #context: Context;
  readonly #waker: EventLoopWaker;
  readonly #background: BackgroundThread;
  readonly #connections: Connections;
  readonly #meeting: Meeting;
  readonly #rendezvous: Rendezvous;
  readonly #transfer: StateTransfer<Result>;
  readonly #over = new AbortController();
  #bringing: Promise<void> | undefined;

  /** Opens the fabric and starts the background thread; `meet` does the rest. */
  constructor(options: CompleteOptions<Result>, link: PlaneLink, hooks: RuntimeHooks) {
    const { id, replicas, slots, transport, geometry, tuning, stateMachine } = options;
    // Before either thread runs what it will run, and where nothing is rehearsed, too.
    setV8Flags();
    this.#o = options;
    this.#link = link;
    this.#context = deviceOf(transport).open();
    this.#waker = new EventLoopWaker(hooks.woken);
    const assembly = new ReplicationAssembly(this.#context, slots, geometry);
    this.#background = new BackgroundThread(
      backendOf(transport),
      {
        self: id,
        slots,
        transport,
        contextHandle: this.#context.handle,
        link: link.buffer,
        geometry,
        logRegion: assembly.memory.log.handle,
        nonce: groupNonce(options),
        tuning,
        waker: this.#waker.handle,
        replicationThread: currentThreadId(),
      },
      link,
      hooks.failed,
    );
    this.plane = this.#makePlane(assembly, hooks.events);
    this.#connections = new Connections(assembly, this.#background, this.plane);
    this.#meeting = new Meeting(
      {
        self: id,
        incarnation: this.incarnation,
        founders: replicas,
        slots,
        connections: this.#connections,
        found: (members) => this.plane.beginning.found(members),
      },
      () => this.#rendezvous,
    );
    this.#rendezvous = this.#makeRendezvous();
    const peers = Array.from({ length: slots }, (_, peer) => peer).filter((peer) => peer !== id);
    this.#transfer = new StateTransfer(this.plane, link, stateMachine, this.#rendezvous, peers);
    if (mayPractise(transport, replicas)) this.practice = new Practice(options, () => undefined);
  }

  /**
   * Founds the group with the other replicas, or joins the one that runs; resolves when our log is
   * open. The deadline is for meeting them; how long a state takes nobody can tell.
   */
  async meet(deadline: AbortSignal, calledOff: AbortSignal | undefined): Promise<void> {
    const { transport, geometry, tuning, id } = this.#o;
    withRehearsalContext(transport, this.#context, (stage) =>
      rehearse(stage, geometry, tuning, () => undefined),
    );
    this.scheduling = await this.#background.ready;
    await this.#connections.connectSelf(id, this.incarnation);
    await this.#rendezvous.listen();
    const signals = calledOff === undefined ? [deadline] : [deadline, calledOff];
    const how = await this.#meeting.begin(AbortSignal.any(signals));
    this.#meeting.run();
    if (how === 'runs') await this.#bring(calledOff);
  }

  /** Brings another replica's state when our log is of no use any more. Called each turn. */
  recover(): void {
    if (!this.#link.isBehind || this.#bringing !== undefined) return;
    if (this.plane.phase !== 'following') return;
    this.#bring().catch(() => undefined);
  }

  /** Transfers of a state, to us and from us. */
  get transfers(): Pick<StateTransfer<Result>, 'given' | 'received' | 'receivedBytes'> {
    return this.#transfer;
  }

  /** Ends the background thread and closes queue pairs, memory and sockets. */
  async close(): Promise<void> {
    this.#over.abort(new Error('the replica was closed'));
    this.#meeting.close();
    this.#rendezvous.close();
    await this.#bringing?.catch(() => undefined);
    await this.#background.stop();
    this.practice?.close();
    this.#waker.close();
    this.#context.close();
  }

  #bring(calledOff?: AbortSignal): Promise<void> {
    const over = this.#over.signal;
    this.#bringing = this.#transfer
      .bring(calledOff === undefined ? over : AbortSignal.any([over, calledOff]))
      .finally(() => (this.#bringing = undefined));
    return this.#bringing;
  }

  #makeRendezvous(): Rendezvous {
    const { id, transport, slots, secret } = this.#o;
    return new Rendezvous({
      self: id,
      places: placesOf(transport, slots),
      secret,
      agreement: agreement(this.#o),
      greeting: () => this.#greeting(),
      called: (guest) => this.#receive(guest),
      disagreed: (error) => this.#meeting.fail(error),
    });
  }

  #greeting(): Greeting {
    return {
      incarnation: this.incarnation,
      phase: this.#meeting.phase,
      wants: 'meet',
      leads: this.plane.leading,
      open: this.#transfer.open,
    };
  }

  #receive(guest: Guest): void {
    if (guest.greeting.wants === 'state') void this.#transfer.give(guest);
    else this.#meeting.receive(guest);
  }

  #makePlane(assembly: ReplicationAssembly, events: ReplicationEvents): ReplicationPlane<Result> {
    const { id, slots, geometry, tuning, stateMachine } = this.#o;
    return new ReplicationPlane({
      self: id,
      slots,
      incarnation: this.incarnation,
      link: this.#link,
      lanes: assembly.lanes,
      memory: assembly.memory,
      sendRing: assembly.sendRing,
      completionQueue: assembly.completionQueue,
      geometry,
      nonce: groupNonce(this.#o),
      tuning,
      nowUs: clockAhead({ us: 0 }),
      apply: (command, context) => stateMachine.apply(command, context),
      stateMachine,
      wakeBackground: () => this.#background.wake(),
      events,
    });
  }
}
