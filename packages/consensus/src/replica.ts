import { EventEmitter } from 'node:events';
import type { LogOffset } from '@mu-smr/log';
import { ConsensusError } from './errors.ts';
import { Int, LogPhase, PlaneLink } from './planes/plane-link.ts';
import type { ReplicationPlane } from './planes/replication-plane.ts';
import type {
  LocalReadOutcome,
  NotLeader,
  ProposeOutcome,
  ReadBarrierOutcome,
  RemovalOutcome,
  ReplicaId,
  TransferOutcome,
} from './propose-outcome.ts';
import type { CallOptions, Proposer, ReplicaEvents, ReplicaStatus } from './replica-api.ts';
import { completeOptions, type CompleteOptions, type ReplicaOptions } from './replica-options.ts';
import { Calls } from './runtime/calls.ts';
import { DirectMode } from './runtime/direct-mode.ts';
import { Runtime } from './runtime/runtime.ts';
import { statusOf } from './runtime/status.ts';
import { Timeline } from './runtime/timeline.ts';
import { farewell, Transfers } from './runtime/transfers.ts';

/** How many steps one wake-up makes before the event loop gets its turn. */
const STEPS_PER_TURN = 16;

/**
 * One replica of a group: composition root and public API.
 *
 * The calling thread carries the replication plane; a worker thread carries the background plane.
 */
export class Replica<Result = unknown>
  extends EventEmitter<ReplicaEvents>
  implements Proposer<Result>
{
  readonly #o: CompleteOptions<Result>;
  readonly #link = new PlaneLink();
  readonly #calls: Calls<Result>;
  readonly #timeline: Timeline;
  readonly #transfers: Transfers<Result>;
  #runtime: Runtime<Result> | undefined;
  #direct: DirectMode<Result> | undefined;
  #plane: ReplicationPlane<Result> | undefined;
  #lastLeader = -1;
  #turnPending = false;
  #closing: Promise<void> | undefined;
  #state: 'new' | 'running' | 'failed' | 'closed' = 'new';

  /** Throws `ConsensusError` BAD_OPTIONS; touches nothing yet. */
  constructor(options: ReplicaOptions<Result>) {
    super();
    this.#o = completeOptions(options);
    this.#timeline = new Timeline(this.#link, (step) => this.emit('timeline', step));
    this.#transfers = new Transfers(this.#o.id);
    this.#calls = new Calls(this.#o.tuning, this.#o.geometry.payloadBytesMax, () =>
      this.#flushSoon(),
    );
  }

  get id(): ReplicaId {
    return this.#o.id;
  }

  /** Whom this replica believes to lead. */
  get leader(): ReplicaId | undefined {
    const leader = this.#link.int(Int.leader);
    return leader < 0 ? undefined : leader;
  }

  get isLeader(): boolean {
    return this.#plane?.leading === true && this.#state === 'running';
  }

  /**
   * Founds the group with the other replicas, and begins to run; or joins the group when it runs
   * already: then it resolves once another replica's state was restored here, and this replica becomes
   * a voting member soon after. Rejects with `ConsensusError`: PEER_MISSING after
   * `deadlineMs` (default 30 s), CONFIG_MISMATCH, NOT_AUTHENTICATED, RENDEZVOUS_FAILED; or with
   * `VerbsError` when the fabric refuses. Nothing is left behind then.
   */
  async start(options: CallOptions = {}): Promise<void> {
    if (this.#state !== 'new') throw new ConsensusError('CLOSED', 'a replica is started once');
    this.#state = 'running';
    const deadline = AbortSignal.timeout(options.deadlineMs ?? 30_000);
    try {
      this.#runtime = new Runtime(this.#o, this.#link, {
        woken: () => this.#turn(),
        failed: (error) => this.#fail(error),
        events: {
          leading: this.#timeline.leading,
          ended: this.#timeline.ended,
          // In a turn of its own: listeners do not run between two commands.
          diverged: (divergence) => setImmediate(() => this.emit('diverged', divergence)),
        },
      });
      this.#plane = this.#runtime.plane;
      this.#direct = new DirectMode(this.#plane, this.#link, this.#o.tuning);
      await this.#runtime.meet(deadline, options.signal);
      this.#direct.practice = this.#runtime.practice;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Proposes one command; see `Proposer.propose`. The bytes must not change until the promise settles. */
  propose(command: Uint8Array, options: CallOptions = {}): Promise<ProposeOutcome<Result>> {
    if (!this.isLeader || this.#plane === undefined) return Promise.resolve(this.#refusal());
    return this.#calls.propose(this.#plane, command, options);
  }

  /** Posts what `propose` has queued now, instead of at the end of the event loop's turn. */
  flush(): void {
    this.#turn();
  }

  /**
   * Proposes one command and spins until it is applied here: microseconds, no promise. The returned
   * object is reused by the next call.
   */
  proposeSync(command: Uint8Array): ProposeOutcome<Result> {
    const plane = this.#plane;
    if (plane === undefined || !this.isLeader) return this.#refusal();
    if (command.length > this.#o.geometry.payloadBytesMax)
      return { kind: 'rejected', reason: 'tooLarge' };

    try {
      return this.#direct?.propose(command) ?? this.#refusal();
    } catch (cause) {
      this.#failApply(cause);
      return { kind: 'unknown', reason: 'closed' };
    }
  }

  /**
   * Posts commands as one entry without waiting for it, for programs that keep several entries in
   * flight on a thread of their own: they are applied here once `pollSync` returns more than the
   * offset. `undefined` when there is no room, or this replica does not lead.
   */
  postSync(commands: readonly Uint8Array[]): LogOffset | undefined {
    if (this.#plane === undefined || !this.isLeader) return undefined;
    return this.#plane.postSync(commands);
  }

  /**
   * Takes in completions and applies what they decide; returns up to where everything is applied.
   * `undefined` when leadership was lost: what was posted and not applied by then cannot be told, for
   * another leader's commands may be applied at its offsets.
   */
  pollSync(): LogOffset | undefined {
    return this.#direct?.poll();
  }

  /** Blocks the thread until this replica leads, for programs that own their thread. False after the time. */
  waitForLeadershipSync(timeoutMs: number): boolean {
    this.#direct?.waitForLeadership(timeoutMs, () => this.#state === 'running');
    return this.isLeader;
  }

  readBarrier(options: CallOptions = {}): Promise<ReadBarrierOutcome> {
    if (!this.isLeader || this.#plane === undefined) return Promise.resolve(this.#refusal());
    return this.#calls.readBarrier(this.#plane, options);
  }

  /** What a read of the state sees if it is made in this turn: on any replica, without asking another. */
  localRead(): LocalReadOutcome {
    const plane = this.#plane;
    if (this.#state === 'closed' || this.#state === 'failed')
      return { kind: 'rejected', reason: 'closed' };
    if (plane === undefined || this.#link.int(Int.phase) === LogPhase.closed)
      return { kind: 'rejected', reason: 'noState' };
    return { kind: 'local', applied: plane.replayer.applied };
  }

  /**
   * Removes another member from the group: it loses its vote and every grant, and stops when it hears
   * of it. On the leader only.
   */
  remove(id: ReplicaId): Promise<RemovalOutcome> {
    const plane = this.#plane;
    if (!this.isLeader || plane === undefined) return Promise.resolve(this.#refusal());
    return new Promise((resolve) => {
      plane.reconfiguration.remove(id, resolve);
      this.#flushSoon();
    });
  }

  /**
   * Gives leadership to another member, any that is up to date when `to` is left out: what was proposed
   * is decided first, then the other stands without having to suspect anybody. Resolves when this
   * replica follows it. On the leader only; proposals meanwhile wait, or end as `notLeader`.
   */
  transfer(to?: ReplicaId): Promise<TransferOutcome> {
    const plane = this.#plane;
    if (!this.isLeader || plane === undefined) return Promise.resolve(this.#refusal());
    const outcome = this.#transfers.begin(plane, to);
    this.#flushSoon();
    return outcome;
  }

  status(): ReplicaStatus {
    return statusOf(this.#o, this.#link, this.#plane, this.#calls.decidedCommands, this.#runtime);
  }

  /** Has the latency of each decided `propose` told, in milliseconds, inside the hot path: be brief. */
  observeProposals(observer: (latencyMs: number) => void): void {
    this.#calls.observer = observer;
  }

  /**
   * Hands leadership over where there is a successor, ends the threads, closes queue pairs and memory.
   * Pending calls end as closed.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.isLeader) await farewell(this.transfer());
    this.#state = 'closed';
    this.#transfers.close();
    this.#plane?.abandon(
      { kind: 'rejected', reason: 'closed' },
      { kind: 'unknown', reason: 'closed' },
    );
    this.#calls.close();
    await this.#runtime?.close();
    this.emit('closed');
  }

  /** Steps while there is something to do, without keeping the event loop from others. */
  #turn(): void {
    const plane = this.#plane;
    if (plane === undefined || this.#state !== 'running') return;
    this.#turnPending = false;
    const led = plane.leading;
    try {
      let steps = 0;
      do plane.step();
      while (plane.busy && ++steps < STEPS_PER_TURN);
    } catch (cause) {
      this.#failApply(cause);
      return;
    }
    this.#announceChanges(led, plane.leading);
    this.#runtime?.recover();
    if (plane.membership.removed) {
      const message = `replica ${this.id} was removed from its group`;
      this.#fail(new ConsensusError('REMOVED', message));
      return;
    }
    if (plane.busy) this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#turnPending) return;
    this.#turnPending = true;
    setImmediate(() => this.#turn());
  }

  #announceChanges(led: boolean, leads: boolean): void {
    if (led !== leads) this.emit('role', leads ? 'leader' : 'follower');
    const leader = this.#link.int(Int.leader);
    if (leader !== this.#lastLeader) {
      this.#lastLeader = leader;
      this.emit('leader', this.leader);
    }
    this.#transfers.look(this.leader, leads);
    if (leads) this.#timeline.tell(this.#plane?.fastPath.decided ?? 0);
  }

  #failApply(cause: unknown): void {
    const message = `replica ${this.id} stops: ${(cause as Error).message}`;
    this.#fail(new ConsensusError('APPLY_FAILED', message, { cause }));
  }

  /** A replica that cannot apply must not go on as if it had: it stops, and the group goes on without it. */
  #fail(error: Error): void {
    if (this.#state !== 'running') return;
    this.#state = 'failed';
    this.#link.setInt(Int.stop, 1);
    this.#plane?.abandon(
      { kind: 'rejected', reason: 'closed' },
      { kind: 'unknown', reason: 'closed' },
    );
    this.emit('failed', error);
  }

  #refusal(): NotLeader | { readonly kind: 'rejected'; readonly reason: 'closed' } {
    return this.#state === 'running'
      ? { kind: 'notLeader', leader: this.leader }
      : { kind: 'rejected', reason: 'closed' };
  }
}
