import type { Histogram } from 'hdr-histogram-js';
import type { Replica } from '@mu-smr/consensus';
import { batchedBytes, entryBytes } from '@mu-smr/log';
import {
  clockReadNs,
  distributionOf,
  latencyHistogram,
  percentilesOf,
  recordEach,
  tailOf,
} from './latency.ts';
import type { ProposePlan, ProposeResult } from './messages.ts';
import { Proposer } from './proposer.ts';
import type { RawMesh } from './raw-mesh.ts';
import { warmUp } from './warm-up.ts';

/** Blocks in which ours and raw alternate, A B A B: noise of the machine hits both. */
const BLOCKS = 10;
const LATENCY_SHARE = 5;
const WARM_UP_BLOCK = 20_000;
/** Over a network: so few of one kind in a row that whatever disturbs the machine hits all alike. */
const NETWORK_BLOCK = 25;
const NETWORK_WARM_UP_BLOCKS = 10;
/**
 * Until V8 has compiled the path of a proposal, which a network gives it little occasion to; a measurement of
 * a few proposals does with so many times them.
 */
const NETWORK_WARM_UP = 10_000;
const NETWORK_WARM_UP_TIMES = 8;

/** Measures replication at the leader, with the raw limit beside it. Throws when leadership is lost. */
export function measureProposals(
  replica: Replica<number>,
  mesh: RawMesh,
  plan: ProposePlan,
  number: { next: number },
): ProposeResult {
  const proposer = new Proposer(replica, plan, number);
  const raw = mesh.rounds(bytesOfEntry(plan));
  // Both loops, and what keeps their figures: code that first runs between two timed blocks is compiled
  // in them, on the processors that the replicas have.
  const warm = latencyHistogram();
  warmUp(plan.count, () => {
    proposer.run(WARM_UP_BLOCK);
    recordEach(warm, proposer.latencies(WARM_UP_BLOCK / LATENCY_SHARE));
  });
  raw.run(WARM_UP_BLOCK);
  recordEach(warm, raw.latencies(Math.ceil(WARM_UP_BLOCK / LATENCY_SHARE)));

  const rawPerBlock = Math.ceil(plan.count / BLOCKS / plan.batch);
  const perBlock = rawPerBlock * plan.batch;
  const latencyCount = Math.ceil(perBlock / LATENCY_SHARE);
  const ours = latencyHistogram();
  const rawWrites = latencyHistogram();
  let oursNs = 0;
  let rawNs = 0;
  for (let block = 0; block < BLOCKS; block++) {
    oursNs += proposer.run(perBlock);
    rawNs += raw.run(rawPerBlock);
    recordEach(ours, proposer.latencies(latencyCount));
    recordEach(rawWrites, raw.latencies(Math.ceil(latencyCount / plan.batch)));
  }
  const meanNs = oursNs / (perBlock * BLOCKS);
  const rawMeanNs = rawNs / (rawPerBlock * BLOCKS * plan.batch);
  return { ...resultOf(ours, rawWrites, meanNs, rawMeanNs), clockReadNs: clockReadNs() };
}

/**
 * The same over a network: ours, raw writes to one peer, and raw writes to a majority, in turns on one
 * thread. Only the ratio of their medians is worth anything on an emulated machine.
 */
export function measureOverNetwork(
  replica: Replica<number>,
  mesh: RawMesh,
  plan: ProposePlan,
  number: { next: number },
): ProposeResult {
  const proposer = new Proposer(replica, plan, number);
  const bytes = bytesOfEntry(plan);
  const majority = mesh.rounds(bytes);
  const onePeer = mesh.toOnePeer(bytes);
  const warm = [latencyHistogram(), latencyHistogram(), latencyHistogram()] as const;
  const counted = [latencyHistogram(), latencyHistogram(), latencyHistogram()] as const;
  const blocks = Math.ceil(plan.count / NETWORK_BLOCK);
  const warmUpCount = Math.min(NETWORK_WARM_UP, NETWORK_WARM_UP_TIMES * plan.count);
  for (let done = 0; done < warmUpCount; done += NETWORK_BLOCK) proposer.latencies(NETWORK_BLOCK);
  let oursMs = 0;
  let first = 0;
  for (let block = -NETWORK_WARM_UP_BLOCKS; block < blocks; block++) {
    const [ours, raw, one] = block < 0 ? warm : counted;
    if (block === 0) first = number.next;
    const begin = performance.now();
    const proposals = proposer.latencies(NETWORK_BLOCK);
    if (block >= 0) oursMs += performance.now() - begin;
    recordEach(ours, proposals);
    recordEach(raw, majority.latencies(NETWORK_BLOCK));
    recordEach(one, onePeer.latencies(NETWORK_BLOCK));
  }
  const [ours, raw, one] = counted;
  return {
    ...resultOf(ours, raw, (oursMs * 1e6) / (number.next - first), raw.mean / plan.batch),
    rawOneWriteNs: percentilesOf(one),
    clockReadNs: 0,
  };
}

/** What one entry of the plan is on the wire. */
function bytesOfEntry({ payloadBytes, batch }: ProposePlan): number {
  return entryBytes(batch === 1 ? payloadBytes : batch * batchedBytes(payloadBytes));
}

function resultOf(
  ours: Histogram,
  raw: Histogram,
  meanNs: number,
  rawMeanNs: number,
): Omit<ProposeResult, 'clockReadNs'> {
  return {
    meanNs,
    opsPerSecond: 1e9 / meanNs,
    latencyNs: tailOf(ours),
    rawMeanNs,
    rawWriteNs: percentilesOf(raw),
    distribution: distributionOf(ours),
    rawDistribution: distributionOf(raw),
  };
}
