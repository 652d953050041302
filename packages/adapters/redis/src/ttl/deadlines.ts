/** A key that may have a deadline, and from when on that must be checked. */
interface Candidate {
  readonly db: number;
  readonly key: Buffer;
  /** Never later than the key's true deadline. */
  atMs: number;
  /** New with each mention of the key, so that an answer can be told to be out of date. */
  version: number;
}

/** One row of a snapshot. */
export interface DeadlineRow {
  readonly db: number;
  readonly key: Buffer;
  readonly atMs: number;
}

/**
 * The keys that may have a deadline.
 *
 * Invariant: a key with a deadline in redis-server has a candidate here that is not later. More
 * candidates than deadlines are harmless, so replicas need not agree on this set, only each on a
 * superset; what happens to a key is decided by redis-server's own record and the log's clock.
 */
export class Deadlines {
  #databases = new Map<number, Map<string, Candidate>>();
  #heap: Candidate[] = [];
  #heapAt: number[] = [];
  #size = 0;
  #versions = 0;
  #cursor: Iterator<Candidate> | undefined;

  get size(): number {
    return this.#size;
  }

  /** The key may expire at `atMs`, or already at an earlier candidate of it. */
  add(db: number, key: Buffer, atMs: number): void {
    const candidates = this.#database(db);
    const name = key.toString('latin1');
    const known = candidates.get(name);
    if (known === undefined) {
      // Copied, or one small key would keep a whole log entry alive.
      const candidate = { db, key: Buffer.from(key), atMs, version: ++this.#versions };
      candidates.set(name, candidate);
      this.#size++;
      this.#push(candidate);
      return;
    }
    known.version = ++this.#versions;
    if (atMs < known.atMs) this.#move(known, atMs);
  }

  /** From when on the key must be checked before it is touched, if ever. */
  at(db: number, key: Buffer): number | undefined {
    return this.#databases.get(db)?.get(key.toString('latin1'))?.atMs;
  }

  version(db: number, key: Buffer): number {
    return this.#databases.get(db)?.get(key.toString('latin1'))?.version ?? -1;
  }

  /** A check at `nowMs` goes out to redis-server: whatever survives it is due later than that. */
  checking(db: number, key: Buffer, nowMs: number): void {
    const known = this.#databases.get(db)?.get(key.toString('latin1'));
    if (known !== undefined && known.atMs <= nowMs) this.#move(known, nowMs + 1);
  }

  /** A check has answered the true deadline, negative for none. Void if the key was named since. */
  checked(db: number, key: Buffer, version: number, deadlineMs: number): void {
    const candidates = this.#databases.get(db);
    const name = key.toString('latin1');
    const known = candidates?.get(name);
    if (known === undefined || known.version !== version) return;
    if (deadlineMs >= 0) return this.#move(known, deadlineMs);
    candidates!.delete(name);
    known.atMs = GONE;
    this.#size--;
  }

  /** Up to `limit` keys that must be checked at `nowMs`, earliest first. */
  due(nowMs: number, limit: number): DeadlineRow[] {
    const due: DeadlineRow[] = [];
    const taken: Candidate[] = [];
    while (due.length < limit) {
      const next = this.#peek();
      if (next === undefined || next.atMs > nowMs) break;
      this.#pop();
      taken.push(next);
      due.push(next);
    }
    for (const candidate of taken) this.#push(candidate);
    return due;
  }

  /** The next candidates in turn, to be looked at whether they still have a deadline. */
  inTurn(count: number): DeadlineRow[] {
    const rows: DeadlineRow[] = [];
    while (rows.length < count) {
      this.#cursor ??= this.#candidates();
      const { value, done } = this.#cursor.next();
      if (done === true) {
        this.#cursor = undefined;
        break;
      }
      rows.push(value);
    }
    return rows;
  }

  *#candidates(): Generator<Candidate> {
    for (const candidates of this.#databases.values()) yield* candidates.values();
  }

  /** When the next key is due, if any. */
  nextMs(): number | undefined {
    return this.#peek()?.atMs;
  }

  clear(db?: number): void {
    const cleared = db === undefined ? [...this.#databases.keys()] : [db];
    for (const each of cleared) {
      const candidates = this.#databases.get(each);
      if (candidates === undefined) continue;
      for (const candidate of candidates.values()) candidate.atMs = GONE;
      this.#size -= candidates.size;
      this.#databases.delete(each);
    }
  }

  swap(a: number, b: number): void {
    if (a === b) return;
    const rows = this.rows().filter((row) => row.db === a || row.db === b);
    this.clear(a);
    this.clear(b);
    for (const row of rows) this.add(row.db === a ? b : a, row.key, row.atMs);
  }

  rows(): DeadlineRow[] {
    return [...this.#databases.values()].flatMap((candidates) =>
      [...candidates.values()].map(({ db, key, atMs }) => ({ db, key, atMs })),
    );
  }

  #database(db: number): Map<string, Candidate> {
    let candidates = this.#databases.get(db);
    if (candidates === undefined) this.#databases.set(db, (candidates = new Map()));
    return candidates;
  }

  #move(candidate: Candidate, atMs: number): void {
    candidate.atMs = atMs;
    this.#push(candidate);
  }

  // A binary heap with lazy deletion: a row counts only while it shows its candidate's time.
  #push(candidate: Candidate): void {
    let index = this.#heap.length;
    const atMs = candidate.atMs;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#heapAt[parent] <= atMs) break;
      this.#place(index, this.#heap[parent], this.#heapAt[parent]);
      index = parent;
    }
    this.#place(index, candidate, atMs);
  }

  #peek(): Candidate | undefined {
    while (this.#heap.length > 0 && this.#heap[0].atMs !== this.#heapAt[0]) this.#pop();
    return this.#heap[0];
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    const lastAt = this.#heapAt.pop()!;
    const length = this.#heap.length;
    if (length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#heapAt[child + 1] < this.#heapAt[child]) child++;
      if (this.#heapAt[child] >= lastAt) break;
      this.#place(index, this.#heap[child], this.#heapAt[child]);
      index = child;
    }
    this.#place(index, last, lastAt);
  }

  #place(index: number, candidate: Candidate, atMs: number): void {
    this.#heap[index] = candidate;
    this.#heapAt[index] = atMs;
  }
}

/** The time of a candidate that was removed: no row of the heap shows it. */
const GONE = -1;
