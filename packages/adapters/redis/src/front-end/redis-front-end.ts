import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { LocalReadOutcome, Proposer, ReplicaEvents, ReplicaId } from '@mu-smr/consensus';
import { systemClock, type Clock } from '../leader/clock.js';
import { CommandPipeline } from '../leader/command-pipeline.js';
import { ExpiryTimer } from '../leader/expiry-timer.js';
import { COMMAND_OVERHEAD_BYTES, HEADER_BYTES } from '../log/entry-codec.js';
import type { ApplyResult, RedisStateMachine } from '../log/redis-state-machine.js';
import { errorReply } from '../resp/reply.js';
import { ClientConnection } from './client-connection.js';
import { CommandDispatcher } from './command-dispatcher.js';
import { GroupView, type Address } from './group-view.js';
import { LocalReads } from './local-reads.js';
import type { Session } from './session.js';

/** What the front end needs of a `Replica`: proposals, and news of who leads. */
export interface ReplicaLike extends Proposer<ApplyResult> {
  /** Posts what was proposed now, not at the end of the turn: a batch is all its turn has. */
  flush?(): void;
  /** Whether the state that is applied here may be read, old as it may be. */
  localRead(): LocalReadOutcome;
  on(event: 'leader', listener: (...args: ReplicaEvents['leader']) => void): unknown;
  off(event: 'leader', listener: (...args: ReplicaEvents['leader']) => void): unknown;
}

export interface RedisFrontEndOptions {
  readonly replica: ReplicaLike;
  readonly stateMachine: RedisStateMachine;
  /** Where clients connect. Default: 127.0.0.1 and a free port. */
  readonly host?: string;
  readonly port?: number;
  /** Client addresses of all replicas, by which followers pass clients on. */
  readonly addresses?: ReadonlyMap<ReplicaId, Address>;
  /** Longest payload of one log entry in bytes. Default: 256 KiB. */
  readonly maxCommandBytes?: number;
  /** Most clients at a time. Default: 10,000, as in Redis. */
  readonly maxClients?: number;
  /** Most bytes of unread replies per client. Default: 64 MiB. */
  readonly outputBytesMax?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** The TCP server that Redis clients connect to. */
export class RedisFrontEnd {
  readonly #options: RedisFrontEndOptions;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #clients = new Set<ClientConnection>();
  readonly #dispatcher: CommandDispatcher;
  readonly #expiry: ExpiryTimer;
  readonly #entryBytesMax: number;
  #nextClientId = 1;

  private constructor(options: RedisFrontEndOptions) {
    const { replica, stateMachine } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#entryBytesMax = options.maxCommandBytes ?? 256 * 1024;
    const pipeline = new CommandPipeline({
      proposer: replica,
      stateMachine,
      clock: this.#clock,
      entryBytesMax: this.#entryBytesMax,
    });
    this.#dispatcher = new CommandDispatcher({
      pipeline,
      localReads: new LocalReads({ replica, stateMachine, clock: this.#clock }),
      group: new GroupView(replica, stateMachine, options.addresses ?? new Map()),
      commandBytesMax: this.#commandBytesMax,
      context: {
        databaseCount: stateMachine.backend.databaseCount,
        get isLeader() {
          return replica.isLeader;
        },
        sessions: () => [...this.#clients].map((client) => client.session),
        now: () => this.#clock.now(),
      },
    });
    this.#expiry = new ExpiryTimer(stateMachine, pipeline, this.#clock, () => replica.isLeader);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    replica.on('leader', this.#onLeader);
    stateMachine.backend.once('failed', () => this.#dropClients());
  }

  static async listen(options: RedisFrontEndOptions): Promise<RedisFrontEnd> {
    const frontEnd = new RedisFrontEnd(options);
    frontEnd.#server.listen(options.port ?? 0, options.host ?? '127.0.0.1', 1024);
    try {
      await once(frontEnd.#server, 'listening');
    } catch (error) {
      await frontEnd.close();
      throw error;
    }
    return frontEnd;
  }

  /** The port clients connect to. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  async close(): Promise<void> {
    this.#expiry.close();
    this.#options.replica.off('leader', this.#onLeader);
    this.#dropClients();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  get #commandBytesMax(): number {
    return this.#entryBytesMax - HEADER_BYTES - COMMAND_OVERHEAD_BYTES;
  }

  readonly #onLeader = (): void => {
    for (const client of this.#clients) client.leaderChanged();
  };

  #dropClients(): void {
    for (const client of this.#clients) client.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#clients.size >= (this.#options.maxClients ?? 10_000)) {
      socket.on('error', () => undefined);
      socket.end(errorReply('ERR max number of clients reached'));
      socket.destroySoon();
      return;
    }
    const client = new ClientConnection(socket, this.#session(socket), {
      dispatcher: this.#dispatcher,
      databaseCount: this.#options.stateMachine.backend.databaseCount,
      limits: {
        bulkBytesMax: this.#options.stateMachine.backend.bulkBytesMax,
        commandBytesMax: this.#commandBytesMax,
      },
      outputBytesMax: this.#options.outputBytesMax ?? 64 * 1024 * 1024,
      isLeader: () => this.#options.replica.isLeader,
      leaderAddress: () => this.#leaderAddress(),
    });
    this.#clients.add(client);
    socket.once('close', () => this.#clients.delete(client));
  }

  #session(socket: Socket): Session {
    return {
      id: this.#nextClientId++,
      address: `${socket.remoteAddress}:${socket.remotePort}`,
      localAddress: `${socket.localAddress}:${socket.localPort}`,
      connectedAtMs: this.#clock.now(),
      db: 0,
      protocol: 2,
      name: '',
      lastCommand: 'NULL',
      readonly: false,
      transaction: undefined,
    };
  }

  #leaderAddress(): Address | undefined {
    const { replica, addresses } = this.#options;
    const { leader } = replica;
    return leader === undefined || leader === replica.id ? undefined : addresses?.get(leader);
  }
}
