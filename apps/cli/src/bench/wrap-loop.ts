import { performance } from 'node:perf_hooks';
import type { Replica } from '@mu-smr/consensus';
import { entryBytes, LOG_BEGIN, type LogGeometry } from '@mu-smr/log';
import { numberedCommand, setNumber } from './counting-state-machine.ts';
import {
  latencyHistogram,
  percentilesOf,
  recordEach,
  recordMs,
  tailOf,
  type Percentiles,
  type Tail,
} from './latency.ts';
import type { RawMesh } from './raw-mesh.ts';
import { warmUp } from './warm-up.ts';

const PAYLOAD_BYTES = 64;
const WARM_UP_BLOCK = 20_000;
const RAW_WRITES = 50_000;
/** Parts of one lap whose latencies are summed up together. */
const BINS_PER_LAP = 40;
/** How near to the end of the ring, or its beginning, a proposal counts as one at the wrap: parts of a lap. */
const NEAR_WRAP = 1 / 64;

export interface WrapResult {
  readonly wraps: number;
  readonly ringBytes: number;
  readonly all: Tail;
  /** Proposals near a wrap, and all others. */
  readonly atWraps: Tail;
  readonly outside: Tail;
  readonly rawWriteNs: Percentiles;
  /** Laps since the beginning of the log, and the latencies of a fortieth of a lap. */
  readonly bins: readonly (Percentiles & { readonly lap: number; readonly max: number })[];
}

/** Proposes one by one until the log went around its ring so often; every latency is kept. */
export function measureWraps(
  replica: Replica<number>,
  mesh: RawMesh,
  plan: { readonly wraps: number; readonly geometry: LogGeometry },
  number: { next: number },
): WrapResult {
  const ringBytes = plan.geometry.capacityBytes;
  const command = numberedCommand(PAYLOAD_BYTES, replica.id);
  const raw = mesh.rounds(entryBytes(PAYLOAD_BYTES));
  const rawWrites = latencyHistogram();
  const propose = (): number => {
    setNumber(command, number.next++);
    const outcome = replica.proposeSync(command);
    if (outcome.kind !== 'decided') throw new Error(`proposal ended ${outcome.kind}`);
    return (outcome.at - LOG_BEGIN) / ringBytes;
  };
  warmUp((plan.wraps * ringBytes) / entryBytes(PAYLOAD_BYTES), () => {
    for (let n = 0; n < WARM_UP_BLOCK; n++) propose();
  });
  const summary = new WrapSummary();
  const until = Math.ceil(propose()) + plan.wraps;
  recordEach(rawWrites, raw.latencies(RAW_WRITES));
  let before = performance.now();
  for (let lap = 0; lap < until;) {
    lap = propose();
    const after = performance.now();
    summary.record(lap, after - before);
    before = performance.now();
  }
  recordEach(rawWrites, raw.latencies(RAW_WRITES));
  const { wraps } = plan;
  return { wraps, ringBytes, ...summary.result(), rawWriteNs: percentilesOf(rawWrites) };
}

class WrapSummary {
  readonly #all = latencyHistogram();
  readonly #atWraps = latencyHistogram();
  readonly #outside = latencyHistogram();
  readonly #bins = new Map<number, ReturnType<typeof latencyHistogram>>();

  record(lap: number, ms: number): void {
    const toWrap = Math.abs(lap - Math.round(lap));
    recordMs(this.#all, ms);
    recordMs(toWrap < NEAR_WRAP ? this.#atWraps : this.#outside, ms);
    recordMs(this.#bin(Math.floor(lap * BINS_PER_LAP)), ms);
  }

  result(): Pick<WrapResult, 'all' | 'atWraps' | 'outside' | 'bins'> {
    return {
      all: tailOf(this.#all),
      atWraps: tailOf(this.#atWraps),
      outside: tailOf(this.#outside),
      bins: [...this.#bins].map(([bin, histogram]) => ({
        lap: bin / BINS_PER_LAP,
        ...percentilesOf(histogram),
        max: histogram.maxValue,
      })),
    };
  }

  #bin(number: number): ReturnType<typeof latencyHistogram> {
    let bin = this.#bins.get(number);
    if (bin === undefined) this.#bins.set(number, (bin = latencyHistogram()));
    return bin;
  }
}
