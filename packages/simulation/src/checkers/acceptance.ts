import {
  advance,
  ENTRY_BYTES_MIN,
  EntryKind,
  EntryView,
  LOG_HEADER_BYTES,
  type LogGeometry,
  type LogOffset,
} from '@mu-smr/log';
import { readChange, type MembershipChange } from '@mu-smr/consensus/planes';
import type { SimWriteEvent } from '@mu-smr/verbs';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import { GROUP_NONCE, type SimReplica } from '../sim-replica.ts';
import { valueHash } from '../value-hash.ts';
import { OpenWrites } from '../open-writes.ts';

/** One whole entry as it landed in a log. */
export interface LandedEntry {
  readonly offset: LogOffset;
  readonly end: LogOffset;
  readonly proposal: number;
  readonly value: number;
  /** Of the membership, if the entry is one. */
  readonly change: MembershipChange | undefined;
}

/** An offset that a majority accepted under one proposal number: decided, whoever knows of it. */
export interface DecidedEntry {
  readonly end: LogOffset;
  readonly value: number;
}

/** Told of each entry as it has landed, before it is counted. */
export type LandingListener = (target: SimReplica, source: SimReplica, entry: LandedEntry) => void;

/**
 * I3: a decided offset has one value at all replicas, for ever.
 *
 * What is decided is found from the bytes alone: a value that a majority of logs has held whole under
 * one proposal number. Other checkers hold the replicas' word against it.
 */
export class Acceptance implements Checker {
  /** Who decides from which offset on. */
  readonly #configurations: { readonly since: number; readonly members: ReadonlySet<number> }[];
  /** Behind it stands the undo slot, which accepts nothing. */
  readonly #areaEnd: number;
  readonly #views = new Map<SimReplica, EntryView>();
  readonly #writes = new OpenWrites();
  readonly #listeners: LandingListener[] = [];
  /** By offset, then by proposal number: the value, and the logs that held it, by incarnation. */
  readonly #accepted = new Map<number, Map<number, AcceptedEntry>>();
  readonly #decided = new Map<number, DecidedEntry>();
  #decidedUpTo = 0 as LogOffset;

  /** The group is founded by the first incarnations. */
  constructor(replicas: number, geometry: LogGeometry) {
    const founders = new Set(Array.from({ length: replicas }, (_, n) => n + 1));
    this.#configurations = [{ since: 0, members: founders }];
    this.#areaEnd = LOG_HEADER_BYTES + geometry.capacityBytes;
  }

  listen(listener: LandingListener): void {
    this.#listeners.push(listener);
  }

  /** Every offset below is decided. */
  get decidedUpTo(): LogOffset {
    return this.#decidedUpTo;
  }

  decidedAt(offset: LogOffset): DecidedEntry | undefined {
    return this.#decided.get(offset);
  }

  /** A view of a replica's log, of our own. */
  view(replica: SimReplica): EntryView {
    let view = this.#views.get(replica);
    if (view === undefined)
      this.#views.set(replica, (view = new EntryView(replica.log, GROUP_NONCE)));
    return view;
  }

  wrote(target: SimReplica, source: SimReplica, event: SimWriteEvent): void {
    let at = this.#writes.seen(event);
    const stop = event.offset + event.length;
    const view = this.view(target);
    // One entry from the fast path; many where a log is copied, each accepted once it is whole.
    while (at >= LOG_HEADER_BYTES && at < this.#areaEnd && at + ENTRY_BYTES_MIN <= stop) {
      const { offset } = view.moveTo(at);
      if (!view.accepted(offset, stop - at)) break;
      const end = advance(offset, view.totalBytes);
      at += view.totalBytes;
      const change =
        view.kind === EntryKind.configuration ? readChange(view.payload(), 0) : undefined;
      const { proposal } = view;
      const entry = { offset, end, proposal, value: valueHash(view), change };
      for (const listener of this.#listeners) listener(target, source, entry);
      this.#accept(target, entry);
    }
    this.#writes.looked(event, at);
  }

  permissionChanged(replica: SimReplica, writer: number): void {
    if (replica.connectedTo(writer) === 0) return;
    const lane = replica.replicationAssembly.incoming(writer);
    this.#writes.cut(lane.remote.queuePairNumber);
  }

  /** Incarnations of the members that decide what stands at an offset. */
  membersAt(offset: number): ReadonlySet<number> {
    for (let n = this.#configurations.length - 1; ; n--)
      if (this.#configurations[n].since <= offset) return this.#configurations[n].members;
  }

  #accept(target: SimReplica, entry: LandedEntry): void {
    const { offset, proposal, value } = entry;
    let proposals = this.#accepted.get(offset);
    if (proposals === undefined) this.#accepted.set(offset, (proposals = new Map()));
    let accepted = proposals.get(proposal);
    if (accepted === undefined)
      proposals.set(proposal, (accepted = { value, entry, logs: new Set() }));
    const one = accepted.value === value;
    mustHold('I6', one, () => `two values at ${offset} under proposal ${proposal}`);
    accepted.logs.add(target.incarnation);
    // Whose majority decides it follows from everything below.
    if (offset < this.#decidedUpTo) this.#decideBy(accepted);
    while (this.#decideNext());
  }

  #decideNext(): boolean {
    const before = this.#decidedUpTo;
    for (const accepted of this.#accepted.get(before)?.values() ?? []) this.#decideBy(accepted);
    return this.#decidedUpTo > before;
  }

  #decideBy({ entry, logs }: AcceptedEntry): void {
    const members = this.membersAt(entry.offset);
    const votes = [...logs].filter((incarnation) => members.has(incarnation)).length;
    if (votes * 2 > members.size) this.#decide(entry);
  }

  #decide({ offset, end, value, proposal, change }: LandedEntry): void {
    const before = this.#decided.get(offset);
    mustHold(
      'I3',
      before === undefined || before.value === value,
      () => `${offset} was decided as ${before?.value}, now as ${value} under ${proposal}`,
    );
    if (before !== undefined) return;
    this.#decided.set(offset, { end, value });
    this.#decidedUpTo = end;
    if (change !== undefined) this.#configure(change, end);
  }

  /** I17: quorums of consecutive configurations intersect: one member more, or one less. */
  #configure({ kind, incarnation }: MembershipChange, since: LogOffset): void {
    const before = this.membersAt(since);
    const members = new Set(before);
    if (kind === 'add') members.add(incarnation);
    else members.delete(incarnation);
    mustHold(
      'I17',
      Math.abs(members.size - before.size) <= 1 && members.size > 0,
      () => `[${[...before].join(', ')}] became [${[...members].join(', ')}] at ${since}`,
    );
    this.#configurations.push({ since, members });
  }
}

interface AcceptedEntry {
  readonly value: number;
  readonly entry: LandedEntry;
  readonly logs: Set<number>;
}
