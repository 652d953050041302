import { ConsensusError } from '../errors.ts';
import type { ReplicationAssembly } from '../planes/assembly.ts';
import type { ReplicationPlane } from '../planes/replication-plane.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { QueuePairReference } from './background-protocol.ts';
import type { BackgroundThread } from './background-thread.ts';
import type { PeerOffer } from './handshake.ts';

/** What connecting needs of a replication plane. */
type ConnectedPlane = Pick<ReplicationPlane<unknown>, 'disconnected' | 'membership'>;

/** Connects both planes with other replicas, and takes connections away again, while they run. */
export class Connections {
  readonly #assembly: ReplicationAssembly;
  readonly #background: BackgroundThread;
  readonly #plane: ConnectedPlane;

  constructor(assembly: ReplicationAssembly, background: BackgroundThread, plane: ConnectedPlane) {
    this.#assembly = assembly;
    this.#background = background;
    this.#plane = plane;
  }

  /** Our own log is written over lanes, too. */
  async connectSelf(self: ReplicaId, incarnation: number): Promise<void> {
    this.#assembly.connect(self, this.#assembly.offer(self));
    await this.watch(self, incarnation);
  }

  /** What a peer must know to connect with us. */
  async offerTo(peer: ReplicaId): Promise<PeerOffer> {
    const background = await this.#background.ask({ kind: 'offer', peer });
    if (background === undefined)
      throw new ConsensusError('BACKGROUND_FAILED', `no offer for replica ${peer}`);
    return { replication: this.#assembly.offer(peer), background };
  }

  /** Connects all queue pairs with a peer; it must do the same before anybody posts. */
  async attach(peer: ReplicaId, offer: PeerOffer): Promise<void> {
    this.#assembly.connect(peer, offer.replication);
    await this.#background.ask({ kind: 'attach', peer, offer: offer.background });
  }

  /** Begins to use a connection of which both ends are attached. */
  async watch(peer: ReplicaId, incarnation: number): Promise<void> {
    const reference = ({ handle, remote }: QueuePairReference): QueuePairReference => ({
      handle,
      remote,
    });
    await this.#background.ask({
      kind: 'watch',
      peer,
      incoming: reference(this.#assembly.incoming(peer)),
      outgoing: reference(this.#assembly.outgoing(peer)),
    });
    this.#plane.membership.connected(peer, incarnation);
  }

  /** Forgets whoever was connected as this replica, so that another life of it can be. */
  async detach(peer: ReplicaId): Promise<void> {
    this.#plane.disconnected(peer);
    this.#assembly.lanes[peer] = undefined;
    await this.#background.ask({ kind: 'detach', peer });
    this.#assembly.disconnect(peer);
  }
}
