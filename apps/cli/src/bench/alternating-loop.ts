import { build, type Histogram } from 'hdr-histogram-js';
import type { Replica } from '@mu-smr/consensus';
import { entryBytes } from '@mu-smr/log';
import type { RawWrites } from '@mu-smr/verbs';
import { numberedCommand, setNumber } from './counting-state-machine.ts';
import type { ProposePlan, ProposeResult } from './messages.ts';
import type { RawMesh } from './raw-mesh.ts';

/** Operations of one kind in a row: so few that whatever disturbs the machine hits all kinds alike. */
const BLOCK = 25;
const WARM_UP_BLOCKS = 10;

/**
 * Measures replication over a network at the leader: ours, raw writes to one peer, and raw writes to a
 * majority, in turns on one thread. Only the ratio of their medians is worth anything on an emulated
 * machine. Throws when leadership is lost.
 */
export function measureAlternating(
  replica: Replica<number>,
  mesh: RawMesh,
  plan: ProposePlan,
  number: { next: number },
): ProposeResult {
  const bytes = entryBytes(plan.payloadBytes);
  const command = numberedCommand(plan.payloadBytes, replica.id);
  const majority = mesh.rounds(bytes);
  const onePeer = mesh.toOnePeer(bytes);
  const warm = [histogram(), histogram(), histogram()] as const;
  const counted = [histogram(), histogram(), histogram()] as const;
  const blocks = Math.ceil(plan.count / BLOCK);
  for (let block = -WARM_UP_BLOCKS; block < blocks; block++) {
    const [ours, raw, one] = block < 0 ? warm : counted;
    propose(replica, command, number, ours);
    record(majority, raw);
    record(onePeer, one);
  }
  return resultOf(...counted);
}

function propose(
  replica: Replica<number>,
  command: Uint8Array,
  number: { next: number },
  into: Histogram,
): void {
  for (let n = 0; n < BLOCK; n++) {
    setNumber(command, number.next++);
    const before = performance.now();
    const outcome = replica.proposeSync(command);
    if (outcome.kind !== 'decided') throw new Error(`proposal ended ${outcome.kind}`);
    into.recordValue(Math.max(1, Math.round((performance.now() - before) * 1e6)));
  }
}

function record(raw: RawWrites, into: Histogram): void {
  for (const ns of raw.latencies(BLOCK)) into.recordValue(Math.max(1, ns));
}

function histogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 1e11,
    numberOfSignificantValueDigits: 3,
  });
}

function resultOf(ours: Histogram, raw: Histogram, one: Histogram): ProposeResult {
  const percentiles = (of: Histogram) => ({
    p50: of.getValueAtPercentile(50),
    p99: of.getValueAtPercentile(99),
  });
  return {
    meanNs: ours.mean,
    opsPerSecond: 1e9 / ours.mean,
    latencyNs: {
      ...percentiles(ours),
      p999: ours.getValueAtPercentile(99.9),
      max: ours.maxValue,
    },
    rawMeanNs: raw.mean,
    rawWriteNs: percentiles(raw),
    rawOneWriteNs: percentiles(one),
    clockReadNs: 0,
  };
}
