import type { ReplicaId } from '../propose-outcome.ts';

/** What one replica knows when it asks itself who leads; the caller may fill one object anew. */
export interface LeaderView {
  readonly self: ReplicaId;
  /** Whether this replica may lead: it is not stuck, and not behind beyond repair. */
  eligible: boolean;
  /** Trusted replicas by id; the own entry is ignored. */
  readonly trusted: boolean[];
  /** Replicas by id that say they lead or try to; the own entry is ignored. */
  readonly claims: boolean[];
  /** Replicas by id that could lead: not those that are behind every ring. */
  readonly electable: boolean[];
  /** Who holds the write permission on our log, by our own grant. */
  holder: ReplicaId | undefined;
  /** Whether the holder had long enough to claim, or else was waited for in vain. */
  holderOverdue: boolean;
  /** Whom the last leader wants to lead, having ended its epoch for that. */
  successor: ReplicaId | undefined;
}

export type LeaderChoice =
  | { readonly kind: 'follow'; readonly leader: ReplicaId }
  | { readonly kind: 'stand' }
  | { readonly kind: 'wait' };

const STAND: LeaderChoice = { kind: 'stand' };
const WAIT: LeaderChoice = { kind: 'wait' };

/**
 * Whom to follow, or whether to stand for leader.
 *
 * Mu takes the lowest trusted id. We add that a holder who is trusted stays (L4): otherwise a paused
 * leader that comes back would depose its successor only for having the lower number. A holder that
 * does not claim for some time is let go, so that two replicas cannot follow each other for ever. A
 * leader may name its successor; nobody else stands as long as that one could.
 */
export function chooseLeader(view: Readonly<LeaderView>): LeaderChoice {
  const { holder, self, successor } = view;
  if (holder !== undefined && holder !== self && view.trusted[holder])
    if (view.claims[holder] || !view.holderOverdue) return { kind: 'follow', leader: holder };
  if (successor === self) return view.eligible ? STAND : WAIT;
  if (successor !== undefined && view.trusted[successor] && view.electable[successor]) return WAIT;

  for (let id = 0; id < view.trusted.length; id++) {
    if (id === self) {
      if (view.eligible) return STAND;
      continue;
    }
    if (view.trusted[id] && view.electable[id]) return WAIT;
  }
  return WAIT;
}
