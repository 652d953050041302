import { REPLICAS_MAX, type StateMachine } from '@mu-smr/consensus';

/** Commands of the benchmarks: who proposed it and its number, padded to any length. */
export function numberedCommand(bytes: number, origin: number): Uint8Array {
  const command = new Uint8Array(Math.max(8, bytes));
  command[0] = origin;
  return command;
}

export function setNumber(command: Uint8Array, number: number): void {
  command[4] = number;
  command[5] = number >>> 8;
  command[6] = number >>> 16;
  command[7] = number >>> 24;
}

/**
 * Applies numbered commands and counts what must not be: a number twice, or one before its
 * predecessor. Each origin proposes one at a time, so its numbers come in order.
 */
export class CountingStateMachine implements StateMachine<number> {
  readonly last = new Array<number>(REPLICAS_MAX).fill(0);
  duplicated = 0;
  /** Of every command that was applied, in order: equal where the same was applied. */
  hash = 0;
  /** Numbers that were passed over, by origin: fine only if their outcome was unknown there. */
  readonly missing: (readonly [origin: number, number: number])[] = [];

  apply(command: Uint8Array): number {
    const origin = command[0];
    const number = command[4] | (command[5] << 8) | (command[6] << 16) | (command[7] << 24);
    this.hash = (Math.imul(this.hash, 31) + number + origin) | 0;
    const last = this.last[origin];
    if (number === last + 1) this.last[origin] = number;
    else if (number <= last) this.duplicated++;
    else {
      for (let n = last + 1; n < number; n++) this.missing.push([origin, n]);
      this.last[origin] = number;
    }
    return number;
  }

  snapshot(): Iterable<Uint8Array> {
    return [Buffer.from(JSON.stringify([this.last, this.duplicated, this.missing, this.hash]))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const [last, duplicated, missing, hash] = JSON.parse(Buffer.concat(parts).toString()) as [
      number[],
      number,
      (readonly [number, number])[],
      number,
    ];
    for (const [origin, number] of last.entries()) this.last[origin] = number;
    this.duplicated = duplicated;
    this.hash = hash;
    this.missing.splice(0, Infinity, ...missing);
  }
}
