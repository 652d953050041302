import type { ApplyContext, StateMachine } from '../../dist/index.js';

/** Adds numbers: what is applied twice is seen in the sum. */
export class Adder implements StateMachine<Uint8Array> {
  sum = 0;
  applied = 0;
  /** Contexts that said that nobody waits for the reply. */
  unheard = 0;

  apply(command: Uint8Array, { local }: ApplyContext): Uint8Array {
    this.sum += Number(Buffer.from(command).toString());
    this.applied++;
    if (!local) this.unheard++;
    return Buffer.from(String(this.sum));
  }

  snapshot(): Iterable<Uint8Array> {
    return [Buffer.from(JSON.stringify([this.sum, this.applied]))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    [this.sum, this.applied] = JSON.parse(Buffer.concat(parts).toString()) as [number, number];
  }
}

export function add(amount: number): Uint8Array {
  return Buffer.from(String(amount));
}
