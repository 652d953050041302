/*
 * Mu for spin: three replicas, two of which lead. Propose, permission, abort, adoption, recycling.
 * docs/internals/model.md says which line of the code each part stands for.
 *
 * A leader may stop for ever at any step, because no process is made to go on: that is its crash, and
 * the stale leader that goes on later. A dead follower is one that never grants.
 *
 * OFFSETS offsets in a ring of RING slots; each leader begins at most EPOCHS epochs. With fewer slots
 * than offsets the ring is recycled. The names that begin with MUTANT_ plant defects, each of which
 * must be found: check.mjs says in which configuration.
 */
#ifndef OFFSETS
#define OFFSETS 2
#endif
#ifndef RING
#define RING 2
#endif
#ifndef EPOCHS
#define EPOCHS 2
#endif

#if RING < OFFSETS
#define RECYCLES
#endif

#define REPLICAS 3
#define LEADERS 2
#define PROPOSALS_MAX 12
#define EMPTY 0

#define AT(r, o) ((r) * RING + (o) % RING)
#define BIT(r) (1 << (r))
#define HAS(set, r) ((set) & BIT(r))
#define MAJORITY(set) ((set) == 3 || (set) >= 5)
#define MAY(r) may[(r) * LEADERS + me]
/* Whether a leader asks for more grants: PAIRS ends with the first majority. */
#ifdef PAIRS
#define MORE !(MAJORITY(confirmed) && HAS(confirmed, me))
#else
#define MORE true
#endif
#ifdef MUTANT_ONE_ACK
#define ENOUGH(set) (HAS(set, me))
#else
#define ENOUGH(set) (MAJORITY(set) && HAS(set, me))
#endif

/* Who may write each log: granted by its owner (I1: one at a time). */
bit may[REPLICAS * LEADERS];
/* Header of each log. */
byte promise[REPLICAS];
/* What its entries tell to be decided, and what they allow to be zeroed. */
byte known[REPLICAS];
byte release[REPLICAS];
/* Ring: absolute offset + 1, proposal number, value; a torn slot is no entry. */
byte slotOffset[REPLICAS * RING];
byte slotProposal[REPLICAS * RING];
byte slotValue[REPLICAS * RING];
bit torn[REPLICAS * RING];
/* The undo slot: what a leader saved before it wrote a slot anew; absolute offset + 1. */
byte undoOffset[REPLICAS];
byte undoProposal[REPLICAS];
byte undoValue[REPLICAS];
byte applied[REPLICAS];
byte head[REPLICAS];

/* What is decided, told from the logs alone: logs that held a value whole under one number. */
byte acceptedBy[OFFSETS * PROPOSALS_MAX];
byte decided[OFFSETS];

#define STANDS(r, o) (slotOffset[AT(r, o)] == (o) + 1 && !torn[AT(r, o)])
/* The same, also while another leader writes it anew: a decided value is overwritten with its own bytes. */
#define HOLDS(r, o, v) (slotOffset[AT(r, o)] == (o) + 1 && slotValue[AT(r, o)] == (v))

/* I3: one value for each offset, for ever. */
inline accepted(r, o, p, v) {
  acceptedBy[(o) * PROPOSALS_MAX + (p)] = acceptedBy[(o) * PROPOSALS_MAX + (p)] | BIT(r);
  if
  :: MAJORITY(acceptedBy[(o) * PROPOSALS_MAX + (p)]) ->
     assert(decided[o] == EMPTY || decided[o] == v);
     decided[o] = v
  :: else
  fi
}

/* I8, I13: what a log is told to be decided is decided, and stands in it. */
inline learns(r, upTo) {
  do
  :: known[r] < (upTo) ->
     assert(decided[known[r]] != EMPTY);
     assert(known[r] < head[r] || HOLDS(r, known[r], decided[known[r]]));
     known[r] = known[r] + 1
  :: else -> break
  od
}

/* A whole entry lands; it carries how far its leader knew the log to be decided, and the release. */
inline lands(r, o, p, v, upTo) {
  assert((o) < head[r] + RING);
  assert(slotOffset[AT(r, o)] == 0 || slotOffset[AT(r, o)] == (o) + 1);
  slotOffset[AT(r, o)] = (o) + 1;
  slotProposal[AT(r, o)] = p;
  slotValue[AT(r, o)] = v;
  torn[AT(r, o)] = 0;
  accepted(r, o, p, v);
#ifdef MUTANT_COMMIT_BEYOND
  learns(r, (o) + 1);
#else
  learns(r, upTo);
#endif
  release[r] = (released > release[r] -> released : release[r])
}

/* Between two writers: a write that was cut off over another is undone. */
inline rollBack(r) {
#ifdef MUTANT_NO_ROLL_BACK
  skip
#else
  if
  :: undoOffset[r] > head[r] && torn[AT(r, undoOffset[r] - 1)] ->
     slotOffset[AT(r, undoOffset[r] - 1)] = undoOffset[r];
     slotProposal[AT(r, undoOffset[r] - 1)] = undoProposal[r];
     slotValue[AT(r, undoOffset[r] - 1)] = undoValue[r];
     torn[AT(r, undoOffset[r] - 1)] = 0
  :: else
  fi
#endif
}

/*
 * The owner's permission manager: revoke, then grant, then acknowledge. One step, because nobody can
 * write between revoking and granting; the two that it becomes when it grants first are MUTANT_GRANT_FIRST.
 */
inline grant(r) {
#ifdef MUTANT_GRANT_FIRST
  atomic {
    MAY(r) = 1;
    assert(may[(r) * LEADERS] + may[(r) * LEADERS + 1] <= 1)
  }
#endif
  atomic {
#ifndef MUTANT_NO_REVOKE
    may[(r) * LEADERS + 1 - me] = 0;
#endif
    rollBack(r);
    MAY(r) = 1;
    assert(may[(r) * LEADERS] + may[(r) * LEADERS + 1] <= 1);
    grantKnown[r] = known[r];
    confirmed = confirmed | BIT(r)
  }
}

#ifdef MUTANT_STALE_WRITE
#define REFUSED(r) (false)
#else
#define REFUSED(r) (!MAY(r))
#endif

/* Copies a decided entry of another log, with what it carried; one that has the value is left alone. */
inline copies(from, to, o) {
  atomic {
    if
    :: REFUSED(to) -> goto ended
    :: else ->
       if
       :: !STANDS(from, o) || (o) >= head[to] + RING -> goto ended
       :: STANDS(from, o) && STANDS(to, o) && slotValue[AT(to, o)] == slotValue[AT(from, o)]
       :: else -> lands(to, o, slotProposal[AT(from, o)], slotValue[AT(from, o)], o)
       fi
    fi
  }
}

/* One write of the accept phase: over another entry it has a moment at which it is torn. */
inline writes(r, o, v) {
  atomic {
    if
    :: REFUSED(r) -> goto ended
    :: else ->
       if
       :: STANDS(r, o) ->
#ifndef MUTANT_NO_UNDO
          undoOffset[r] = (o) + 1;
          undoProposal[r] = slotProposal[AT(r, o)];
          undoValue[r] = slotValue[AT(r, o)];
#endif
          torn[AT(r, o)] = 1
       :: else
       fi
    fi
  }
  atomic {
    if
    :: REFUSED(r) -> goto ended
    :: else -> lands(r, o, number, v, fuo); done = done | BIT(r)
    fi
  }
}

/* Accept: a write to each confirmed log in any order; a majority decides, the rest may be left out. */
inline accept(o, v) {
  done = 0;
  do
  :: HAS(confirmed, 0) && !HAS(done, 0) -> writes(0, o, v)
  :: HAS(confirmed, 1) && !HAS(done, 1) -> writes(1, o, v)
  :: HAS(confirmed, 2) && !HAS(done, 2) -> writes(2, o, v)
  :: ENOUGH(done) -> atomic { confirmed = done; done = 0; break }
  od;
  atomic {
    /* I4: what the leader takes for decided is. */
    assert(decided[o] == v);
    learns(me, (o) + 1);
    fuo = (o) + 1
  }
}

/* The lowest applied offset of those whom the leader waits for: all that are confirmed. */
inline computeRelease() {
#ifdef RECYCLES
  atomic {
    released = OFFSETS;
    f = 0;
    do
    :: f < REPLICAS ->
       if
       :: HAS(confirmed, f) && applied[f] < released -> released = applied[f]
       :: else
       fi;
       f++
    :: else -> break
    od;
    f = 0;
#ifdef MUTANT_RELEASE_EARLY
    released = released + 1
#endif
  }
#else
  released = 0
#endif
}

inline catchUp() {
  atomic {
    best = me;
    fuo = known[me];
    f = 0;
    do
    :: f < REPLICAS ->
       if
       :: HAS(confirmed, f) && f != me && grantKnown[f] > (best == me -> fuo : grantKnown[best]) -> best = f
       :: else
       fi;
       f++
    :: else -> break
    od;
    f = 0;
    target = (best == me -> fuo : grantKnown[best])
  }
#ifdef MUTANT_NO_CATCH_UP
  target = fuo;
#else
  /* Behind every ring: only state transfer would help. */
  if
  :: best != me && fuo < head[best] -> goto ended
  :: else
  fi;
#endif
  do
  :: fuo < target ->
     at = fuo;
     copies(best, me, at);
     atomic { learns(me, at + 1); fuo = at + 1 }
  :: else -> break
  od;
  best = 0;
  target = 0;
  at = 0
}

inline updateFollowers() {
  f = 0;
  do
  :: f < REPLICAS ->
     if
     :: HAS(confirmed, f) && f != me && grantKnown[f] < head[me] ->
        confirmed = confirmed & ~BIT(f);
        if :: !ENOUGH(confirmed) -> goto ended :: else fi
     :: HAS(confirmed, f) && f != me && grantKnown[f] >= head[me] ->
        at = grantKnown[f];
        do
        :: at < fuo && at >= head[f] -> copies(me, f, at); at++
        :: at < fuo && at < head[f] -> at++
        :: at >= fuo -> break
        od;
        at = 0
     :: else
     fi;
     f++
  :: else -> break
  od;
  f = 0
}

/* Reads need no permission. What changes after our grant does so by another leader: then we are refused. */
inline prepare() {
  atomic {
    number = 0;
    f = 0;
    do
    :: f < REPLICAS ->
       if
       :: HAS(confirmed, f) ->
#ifndef MUTANT_NO_PROMISE
          number = (promise[f] > number -> promise[f] : number);
#endif
          if
          :: fuo < OFFSETS && STANDS(f, fuo) ->
             number = (slotProposal[AT(f, fuo)] > number -> slotProposal[AT(f, fuo)] : number)
          :: else
          fi
       :: else
       fi;
       f++
    :: else -> break
    od;
    f = 0;
    /* Unique: congruent to the leader's id. */
    number = (number / LEADERS + 1) * LEADERS + me;
    assert(number < PROPOSALS_MAX)
  }
  do
  :: f < REPLICAS ->
     atomic {
       if
       :: HAS(confirmed, f) && REFUSED(f) -> goto ended
       :: HAS(confirmed, f) && !REFUSED(f) ->
          /* I6 */
          assert(number >= promise[f]);
          promise[f] = number
       :: else
       fi;
       f++
     }
  :: else -> break
  od;
  f = 0
}

#ifdef MUTANT_LOWEST
#define BETTER(p) (value == EMPTY || (p) < highest)
#else
#define BETTER(p) ((p) > highest)
#endif

/*
 * The value with the highest proposal number that a confirmed log holds; EMPTY when none does. Behind
 * each read goes a write that needs the permission: only if that succeeds was nobody else just writing
 * the slot, and a slot that looked torn was one that was cut off.
 */
inline readSlots(o) {
  atomic {
    highest = 0;
    value = EMPTY;
    f = 0;
    do
    :: f < REPLICAS ->
       if
       :: HAS(confirmed, f) && STANDS(f, o) && BETTER(slotProposal[AT(f, o)]) ->
          highest = slotProposal[AT(f, o)];
          value = slotValue[AT(f, o)]
       :: else
       fi;
       f++
    :: else -> break
    od;
    f = 0;
    highest = 0
  }
#ifndef MUTANT_NO_PROOF
  do
  :: f < REPLICAS ->
     atomic { if :: HAS(confirmed, f) && REFUSED(f) -> goto ended :: else -> f++ fi }
  :: else -> break
  od;
  f = 0
#endif
}

#ifdef RECYCLES
inline announce() {
  do
  :: f < REPLICAS ->
     atomic {
       if
       :: HAS(confirmed, f) && !REFUSED(f) ->
          learns(f, fuo);
          release[f] = (released > release[f] -> released : release[f])
       :: else
       fi;
       f++
     }
  :: else -> break
  od;
  f = 0
}
#endif

/* A write never laps a log that is still read (I14). */
#ifdef MUTANT_NO_LIMIT
#define ROOM(o) true
#else
#define FITS(r, o) (!HAS(confirmed, r) || (o) < head[r] + RING)
#define ROOM(o) (FITS(0, o) && FITS(1, o) && FITS(2, o))
#endif

proctype Leader(byte me) {
  byte epoch, confirmed, done, number, highest, value, f, best, target, at, released, fuo;
  byte grantKnown[REPLICAS];
  do
  :: epoch == EPOCHS -> break
  :: epoch < EPOCHS ->
     epoch++;
     do
     :: MORE && !HAS(confirmed, 0) -> grant(0)
     :: MORE && !HAS(confirmed, 1) -> grant(1)
     :: MORE && !HAS(confirmed, 2) -> grant(2)
     :: MAJORITY(confirmed) && HAS(confirmed, me) -> break
     od;
     catchUp();
#ifndef MUTANT_NO_UPDATE
     updateFollowers();
#endif
     prepare();
     do
     :: fuo < OFFSETS ->
#ifdef MUTANT_SKIP_PREPARE
        value = EMPTY;
#else
        readSlots(fuo);
#endif
        if
        :: value == EMPTY -> break
        :: value != EMPTY && !ROOM(fuo) -> goto ended
        :: value != EMPTY && ROOM(fuo) ->
           computeRelease();
           at = fuo;
           accept(at, value)
        fi
     :: else -> break
     od;
     /*
      * Leading: from here on prepare is omitted, and each offset gets a value of our own. A leader that
      * has nothing to propose announces what is decided, and what may be released.
      */
     do
     :: fuo < OFFSETS && ROOM(fuo) ->
        computeRelease();
        at = fuo;
        accept(at, number)
#ifdef RECYCLES
     :: computeRelease(); announce()
#endif
     :: break
     od;
ended:
     atomic {
       confirmed = 0; done = 0; number = 0; highest = 0; value = 0; f = 0; best = 0; target = 0;
       at = 0; released = 0; fuo = 0; grantKnown[0] = 0; grantKnown[1] = 0; grantKnown[2] = 0
     }
  od
}

#ifdef RECYCLES
/* Applies what is decided, in order; zeroes what everybody has applied, and then moves its head. */
proctype Replica(byte r) {
end:
  do
  :: atomic {
       applied[r] < known[r] ->
       /* I9: what is applied is what is decided. */
       assert(HOLDS(r, applied[r], decided[applied[r]]));
       applied[r] = applied[r] + 1
     }
  :: atomic {
#ifdef MUTANT_RELEASE_EARLY
       head[r] < release[r] ->
#else
       head[r] < release[r] && head[r] < applied[r] ->
#endif
#ifndef MUTANT_NO_ZERO
       slotOffset[AT(r, head[r])] = 0;
       slotProposal[AT(r, head[r])] = 0;
       slotValue[AT(r, head[r])] = 0;
       torn[AT(r, head[r])] = 0;
#endif
       head[r] = head[r] + 1
     }
  od
}
#endif

init {
  atomic {
#ifdef RECYCLES
    run Replica(0);
    run Replica(1);
    run Replica(2);
#endif
    run Leader(0);
    run Leader(1)
  }
}
