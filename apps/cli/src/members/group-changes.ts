import { setTimeout as delay } from 'node:timers/promises';
import type { ReplicaStatus } from '@mu-smr/consensus';
import { CliError } from '../errors.ts';
import { askRemoval, controlPath } from '../group/control.ts';
import { groupStatus } from '../group/group-status.ts';
import type { LocalGroup } from '../group/local-group.ts';
import { unlessAborted } from '../interruption.ts';
import type { ChangeProgress, ChangeReport, ChangeRequest } from './change.ts';
import { judgeRemoval } from './judge-removal.ts';

/** How often the replicas are asked how far they are; nothing tells us. */
const POLL_MS = 30;
/** A loaded machine takes its time to answer. */
const ANSWER_MS = 1000;
/** How long a leader may take to decide a removal. */
const REMOVAL_MS = 5000;
/** How long a new leader may take to bring everybody up to date before we count without them. */
const SETTLE_MS = 2000;
/** How long a removed replica may take to hear of it and stop by itself. */
const LEAVE_MS = 3000;
/** How long what was begun and given up is taken back. */
const TAKE_BACK_MS = 10_000;

type Report = (report: ChangeProgress) => void;

/** Changes the members of a local group, one at a time, and leaves nothing half done. */
export class GroupChanges {
  readonly #group: LocalGroup;
  #busy = false;

  constructor(group: LocalGroup) {
    this.#group = group;
  }

  /** Resolves with what was done; rejects with `CliError`, everything being as before. */
  async make(
    request: ChangeRequest,
    report: Report,
    signal: AbortSignal,
  ): Promise<ChangeReport & { kind: 'done' }> {
    if (this.#busy)
      throw new CliError('CHANGING', 'another change of the members is under way; wait for it');
    this.#busy = true;
    try {
      if (request.kind === 'add')
        return { kind: 'done', added: await this.#add(request.id, report, signal) };
      if (request.kind === 'replace') return await this.#replace(request.id, report, signal);
      await this.#remove(request.id, request.force, report, signal);
      return { kind: 'done', removed: request.id };
    } finally {
      this.#busy = false;
    }
  }

  /** Starts one more replica, and waits until it votes. */
  async #add(wanted: number | undefined, report: Report, signal: AbortSignal): Promise<number> {
    const id = wanted ?? this.#group.places.at(0);
    if (id === undefined || !this.#group.places.includes(id))
      throw new CliError(
        'NO_ROOM',
        `group ${this.#group.name} has ${id === undefined ? 'no free place' : `no free place ${id}`}; mu up --spares makes room for more`,
      );
    await this.#leader(signal);
    report({ kind: 'progress', id, phase: 'starting', receivedBytes: 0 });
    const stop = new AbortController();
    try {
      const started = unlessAborted(this.#group.add(id), signal);
      const voting = this.#voting(id, report, AbortSignal.any([signal, stop.signal]));
      await Promise.all([started, voting]);
    } catch (error) {
      stop.abort();
      await this.#takeBack(id);
      throw error;
    }
    this.#group.keep(id);
    return id;
  }

  /** Resolves once the replica votes; reports its phases on the way. */
  async #voting(id: number, report: Report, signal: AbortSignal): Promise<void> {
    let last = '';
    for (;;) {
      signal.throwIfAborted();
      const status = await this.#statusOf(id);
      if (status !== undefined) {
        const progress = progressOf(status);
        if (JSON.stringify(progress) !== last) report(progress);
        last = JSON.stringify(progress);
        if (status.votes) return;
      } else if (this.#group.state(id) === 'dead')
        throw new CliError('START_FAILED', `replica ${id} ended: ${this.#group.lastWords(id)}`);
      await delay(POLL_MS);
    }
  }

  async #remove(id: number, force: boolean, report: Report, signal: AbortSignal): Promise<void> {
    const { leader, live } = await this.#leader(signal);
    const { members } = leader;
    if (!members.includes(id) && !this.#group.members.some((one) => one.id === id))
      throw new CliError('NO_REPLICA', `group ${this.#group.name} has no replica ${id}`, 2);
    const leads = leader.id === id;
    if (members.includes(id)) judgeRemoval({ members, live }, id, { force, leads });

    report({ kind: 'progress', id, phase: 'leaving', receivedBytes: 0 });
    this.#group.retire(id);
    try {
      // A leader does not remove itself; and who is dead, paused or joining does not hear of it.
      if (leads || !live.includes(id)) await this.#group.end(id);
      await this.#decideRemoval(id, signal);
    } catch (error) {
      this.#group.keep(id);
      throw error;
    }
    report({ kind: 'progress', id, phase: 'removed', receivedBytes: 0 });
    const untilMs = performance.now() + LEAVE_MS;
    while (this.#group.state(id) !== 'dead' && performance.now() < untilMs) await delay(POLL_MS);
    await this.#group.drop(id);
    report({ kind: 'progress', id, phase: 'gone', receivedBytes: 0 });
  }

  /**
   * A live member is replaced by another that votes before it goes; one that does not run goes first,
   * for then its place can be taken.
   */
  async #replace(
    id: number,
    report: Report,
    signal: AbortSignal,
  ): Promise<ChangeReport & { kind: 'done' }> {
    const { live } = await this.#leader(signal);
    let added: number;
    if (live.includes(id)) {
      added = await this.#add(undefined, report, signal);
      try {
        await this.#remove(id, false, report, signal);
      } catch (error) {
        await this.#takeBack(added);
        throw error;
      }
    } else {
      await this.#remove(id, false, report, signal);
      added = await this.#add(undefined, report, signal);
    }
    return { kind: 'done', added, removed: id };
  }

  /** Asks whoever leads until the member is one no longer. */
  async #decideRemoval(id: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { leader } = await this.#leader(signal);
      const path = controlPath(this.#group.fabric, leader.id);
      const outcome = await askRemoval(path, id, REMOVAL_MS);
      if (outcome?.kind === 'removed') return;
      if (outcome?.kind === 'rejected' && outcome.reason === 'noMajority')
        throw new CliError(
          'NO_MAJORITY',
          `the leader refuses: without replica ${id}, those that hold its log are no majority`,
        );
      await delay(POLL_MS);
    }
  }

  /** Ends what was started in vain; should it have become a member, it is removed. */
  async #takeBack(id: number): Promise<void> {
    if (!this.#group.members.some((one) => one.id === id)) return;
    const signal = AbortSignal.timeout(TAKE_BACK_MS);
    // Where another member is dead, its own vote may be needed for that.
    const { leader } = await this.#leader(signal);
    if (leader.members.includes(id)) await this.#decideRemoval(id, signal);
    await this.#group.drop(id);
    // The leader may have posted its addition meanwhile: it answers when it knows what became of that.
    await this.#decideRemoval(id, signal);
  }

  /** Who leads, and which members run and hold what it does; waits for a leader. */
  async #leader(
    signal: AbortSignal,
  ): Promise<{ readonly leader: ReplicaStatus; readonly live: readonly number[] }> {
    const settledMs = performance.now() + SETTLE_MS;
    for (;;) {
      signal.throwIfAborted();
      const statuses = await this.#statuses();
      const leader = statuses.find(({ role }) => role === 'leader');
      if (leader !== undefined) {
        const voters = statuses.flatMap(({ id, votes }) => (votes ? [id] : []));
        const confirmed = new Set(leader.confirmedFollowers).add(leader.id);
        const live = voters.filter((id) => confirmed.has(id));
        if (live.length === voters.length || performance.now() > settledMs) return { leader, live };
      }
      await delay(POLL_MS);
    }
  }

  async #statuses(): Promise<ReplicaStatus[]> {
    const all = await groupStatus(this.#group.file, ANSWER_MS);
    return all.flatMap(({ answer }) => (answer === undefined ? [] : [answer.status]));
  }

  async #statusOf(id: number): Promise<ReplicaStatus | undefined> {
    return (await this.#statuses()).find((status) => status.id === id);
  }
}

function progressOf(status: ReplicaStatus): ChangeProgress {
  const { id, phase, votes } = status;
  const phases = { joining: 'receiving', catchingUp: 'catchingUp', running: 'waiting' } as const;
  const receivedBytes = status.counters.stateBytesReceived;
  return { kind: 'progress', id, phase: votes ? 'member' : phases[phase], receivedBytes };
}
