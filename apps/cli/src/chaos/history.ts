/** One operation on a register as its client saw it. Times are of one clock, in ms. */
export interface Operation {
  readonly kind: 'read' | 'write';
  readonly key: string;
  /** Written or read; `undefined` is read of a key that has never been written. */
  readonly value: string | undefined;
  readonly begin: number;
  /** `Infinity` when the outcome is unknown: it may take effect at any time from `begin` on, or never. */
  readonly end: number;
}

/** Everything that clients did in one round. Refused operations are not in it: they had no effect. */
export class History {
  readonly operations: Operation[] = [];
  unknowns = 0;
  /** Attempts of writes beyond the first, in sessions. */
  retries = 0;

  add(operation: Operation): void {
    this.operations.push(operation);
    if (operation.end === Infinity) this.unknowns++;
  }

  /** Operations by the key that they were on. */
  byKey(): Map<string, Operation[]> {
    const keys = new Map<string, Operation[]>();
    for (const operation of this.operations) {
      const operations = keys.get(operation.key);
      if (operations === undefined) keys.set(operation.key, [operation]);
      else operations.push(operation);
    }
    return keys;
  }
}
