import { currentThreadId, EventLoopWaker, type Context } from '@mu-smr/verbs';
import { ReplicationAssembly } from '../planes/assembly.ts';
import type { PlaneLink } from '../planes/plane-link.ts';
import type { ReplicationEvents } from '../planes/replication-options.ts';
import { ReplicationPlane } from '../planes/replication-plane.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import { agreement, groupNonce, type CompleteOptions } from '../replica-options.ts';
import { BackgroundThread } from './background-thread.ts';
import { monotonicUs } from './clock.ts';
import type { PeerOffer } from './handshake.ts';
import { rehearse } from './rehearsal.ts';
import { placesOf } from './meeting-place.ts';
import { Rendezvous } from './rendezvous.ts';
import { backendOf, deviceOf, withRehearsalContext } from './transport.ts';

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
  readonly #o: CompleteOptions<Result>;
  readonly #link: PlaneLink;
  readonly #hooks: RuntimeHooks;
  readonly #context: Context;
  readonly #waker: EventLoopWaker;
  readonly #background: BackgroundThread;
  #rendezvous: Rendezvous | undefined;

  /** Opens the fabric and starts the background thread; `meet` does the rest. */
  constructor(options: CompleteOptions<Result>, link: PlaneLink, hooks: RuntimeHooks) {
    const { id, replicas, transport, geometry, tuning } = options;
    this.#o = options;
    this.#link = link;
    this.#hooks = hooks;
    this.#context = deviceOf(transport).open();
    this.#waker = new EventLoopWaker(hooks.woken);
    this.#background = new BackgroundThread(
      backendOf(transport),
      {
        self: id,
        replicas,
        transport,
        contextHandle: this.#context.handle,
        link: link.buffer,
        geometry,
        nonce: groupNonce(options),
        tuning,
        waker: this.#waker.handle,
        replicationThread: currentThreadId(),
      },
      link,
      hooks.failed,
    );
  }

  /** Meets the other replicas, and returns the plane once all are connected and running. */
  async meet(signal: AbortSignal): Promise<ReplicationPlane<Result>> {
    const { id, replicas, transport, geometry, tuning, secret } = this.#o;
    const assembly = new ReplicationAssembly(this.#context, replicas, geometry);
    withRehearsalContext(transport, this.#context, (stage) => rehearse(stage, geometry, tuning));
    const { offers: backgroundOffers } = await this.#background.next('offers');

    const rendezvous = new Rendezvous({
      self: id,
      replicas,
      places: placesOf(transport, replicas),
      secret,
      agreement: agreement(this.#o),
      offerTo: (peer) => ({
        replication: assembly.offer(peer),
        background: backgroundOffers[peer],
      }),
    });
    this.#rendezvous = rendezvous;
    await this.#connect(assembly, await rendezvous.meet(signal));
    const plane = this.#plane(assembly);
    await rendezvous.barrier('connected', signal);
    this.#background.send({ kind: 'run' });
    return plane;
  }

  /** Ends the background thread and closes queue pairs, memory and sockets. */
  async close(): Promise<void> {
    await this.#background.stop();
    this.#waker.close();
    this.#rendezvous?.close();
    this.#context.close();
  }

  async #connect(assembly: ReplicationAssembly, offers: Map<ReplicaId, PeerOffer>): Promise<void> {
    assembly.connect(this.#o.id, assembly.offer(this.#o.id));
    for (const [peer, offer] of offers) assembly.connect(peer, offer.replication);
    const reference = ({ handle, remote }: (typeof assembly.incoming)[number]) => ({
      handle,
      remote,
    });
    this.#background.send({
      kind: 'connect',
      offers: [...offers].map(([peer, offer]) => [peer, offer.background] as const),
      incoming: assembly.incoming.map(reference),
      outgoing: assembly.outgoing.map(reference),
      logRegion: assembly.memory.log.handle,
    });
    this.scheduling = (await this.#background.next('connected')).scheduling;
  }

  #plane(assembly: ReplicationAssembly): ReplicationPlane<Result> {
    const { id, replicas, geometry, tuning, stateMachine } = this.#o;
    return new ReplicationPlane({
      self: id,
      replicas,
      link: this.#link,
      lanes: assembly.lanes,
      memory: assembly.memory,
      sendRing: assembly.sendRing,
      completionQueue: assembly.completionQueue,
      geometry,
      nonce: groupNonce(this.#o),
      tuning,
      nowUs: monotonicUs,
      stateMachine,
      wakeBackground: () => this.#background.wake(),
      events: this.#hooks.events,
    });
  }
}
