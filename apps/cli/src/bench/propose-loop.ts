import { build, type Histogram } from 'hdr-histogram-js';
import type { Replica } from '@mu-smr/consensus';
import { entryBytes } from '@mu-smr/log';
import { numberedCommand, setNumber } from './counting-state-machine.ts';
import type { ProposePlan, ProposeResult } from './messages.ts';
import type { RawMesh } from './raw-mesh.ts';

/** Blocks in which ours and raw alternate, A B A B: noise of the machine hits both. */
const BLOCKS = 10;
const WARM_UP = 50_000;
const LATENCY_SHARE = 5;

/** Measures replication at the leader, with the raw limit beside it. Throws when leadership is lost. */
export function measureProposals(
  replica: Replica<number>,
  mesh: RawMesh,
  plan: ProposePlan,
  number: { next: number },
): ProposeResult {
  const one = new Measurement(replica, plan, number);
  const raw = mesh.rounds(entryBytes(plan.payloadBytes));
  one.run(Math.min(WARM_UP, plan.count));
  raw.run(WARM_UP);

  const perBlock = Math.ceil(plan.count / BLOCKS);
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 1e10,
    numberOfSignificantValueDigits: 3,
  });
  const rawHistogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 1e10,
    numberOfSignificantValueDigits: 3,
  });
  let ours = 0;
  let rawNs = 0;
  for (let block = 0; block < BLOCKS; block++) {
    ours += one.run(perBlock);
    rawNs += raw.run(perBlock);
    one.latencies(Math.ceil(perBlock / LATENCY_SHARE), histogram);
    for (const ns of raw.latencies(Math.ceil(perBlock / LATENCY_SHARE)))
      rawHistogram.recordValue(Math.max(1, ns));
  }
  const counted = perBlock * BLOCKS;
  return {
    meanNs: ours / counted,
    opsPerSecond: (counted / ours) * 1e9,
    latencyNs: {
      p50: histogram.getValueAtPercentile(50),
      p99: histogram.getValueAtPercentile(99),
      p999: histogram.getValueAtPercentile(99.9),
      max: histogram.maxValue,
    },
    rawMeanNs: rawNs / counted,
    rawWriteNs: {
      p50: rawHistogram.getValueAtPercentile(50),
      p99: rawHistogram.getValueAtPercentile(99),
    },
    clockReadNs: clockReadNs(),
  };
}

/** What one read of the clock adds to each latency. */
function clockReadNs(): number {
  const reads = 200_000;
  const begin = performance.now();
  for (let n = 0; n < reads; n++) performance.now();
  return ((performance.now() - begin) * 1e6) / reads;
}

class Measurement {
  readonly #replica: Replica<number>;
  readonly #plan: ProposePlan;
  readonly #number: { next: number };
  readonly #commands: Uint8Array[];

  constructor(replica: Replica<number>, plan: ProposePlan, number: { next: number }) {
    this.#replica = replica;
    this.#plan = plan;
    this.#number = number;
    this.#commands = Array.from({ length: plan.batch }, () =>
      numberedCommand(plan.payloadBytes, replica.id),
    );
  }

  /** Proposes `count` commands; returns the nanoseconds of the whole loop. */
  run(count: number): number {
    const begin = performance.now();
    if (this.#plan.outstanding === 1 && this.#plan.batch === 1) this.#oneByOne(count);
    else this.#pipelined(count, undefined);
    return (performance.now() - begin) * 1e6;
  }

  latencies(count: number, into: Histogram): void {
    if (this.#plan.outstanding === 1 && this.#plan.batch === 1) this.#oneByOne(count, into);
    else this.#pipelined(count, into);
  }

  #oneByOne(count: number, into?: Histogram): void {
    const command = this.#commands[0];
    let before = performance.now();
    for (let n = 0; n < count; n++) {
      setNumber(command, this.#number.next++);
      const outcome = this.#replica.proposeSync(command);
      if (outcome.kind !== 'decided') throw new Error(`proposal ended ${outcome.kind}`);
      if (into === undefined) continue;
      const after = performance.now();
      into.recordValue(Math.max(1, Math.round((after - before) * 1e6)));
      before = after;
    }
  }

  #pipelined(count: number, into: Histogram | undefined): void {
    const posted: { at: number; sinceMs: number }[] = [];
    const { outstanding, batch } = this.#plan;
    let left = Math.ceil(count / batch);
    while (left > 0 || posted.length > 0) {
      if (left > 0 && posted.length < outstanding && this.#post(posted)) left--;
      if (left > 0 && posted.length < outstanding) continue;
      const applied = this.#replica.pollSync();
      if (applied === undefined) throw new Error('leadership was lost');
      while (posted.length > 0 && applied > posted[0].at) {
        const { sinceMs } = posted[0];
        posted.shift();
        into?.recordValue(Math.max(1, Math.round((performance.now() - sinceMs) * 1e6)));
      }
    }
  }

  #post(posted: { at: number; sinceMs: number }[]): boolean {
    const sinceMs = performance.now();
    const { next } = this.#number;
    for (let n = 0; n < this.#commands.length; n++) setNumber(this.#commands[n], next + n);
    const at = this.#replica.postSync(this.#commands);
    if (at === undefined) {
      this.#replica.pollSync();
      if (!this.#replica.isLeader) throw new Error('leadership was lost');
      return false;
    }
    this.#number.next += this.#commands.length;
    posted.push({ at, sinceMs });
    return true;
  }
}
