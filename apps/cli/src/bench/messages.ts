import type { IbverbsFabric } from '@mu-smr/consensus';
import type { LogGeometry } from '@mu-smr/log';
import type { QueuePairEndpoint } from '@mu-smr/verbs';
import type { Distribution, Percentiles, Tail } from './latency.ts';
import type { WrapResult } from './wrap-loop.ts';

/** What the bench's parent tells its replica processes. */
export type ToBenchReplica =
  | {
      readonly kind: 'start';
      readonly id: number;
      readonly replicas: number;
      readonly fabric: string;
      readonly fabricRttNs: number;
      /** An RDMA device instead of the fabric. */
      readonly ibverbs: IbverbsFabric | undefined;
      readonly geometry: Partial<LogGeometry>;
      /** File in which this replica notes, surviving SIGKILL, how its commands ended. */
      readonly notesFile: string;
    }
  | { readonly kind: 'mesh'; readonly offers: readonly MeshOffer[] }
  | { readonly kind: 'propose'; readonly plan: ProposePlan }
  | { readonly kind: 'wraps'; readonly wraps: number; readonly geometry: LogGeometry }
  | { readonly kind: 'write'; readonly enabled: boolean }
  | { readonly kind: 'transfer' }
  | { readonly kind: 'litter' }
  | { readonly kind: 'report' }
  | { readonly kind: 'close' };

export interface ProposePlan {
  readonly payloadBytes: number;
  readonly count: number;
  readonly outstanding: number;
  readonly batch: number;
}

/** Where one replica's memory for raw writes is reached, per peer. */
export interface MeshOffer {
  readonly endpoints: readonly QueuePairEndpoint[];
  readonly remoteKey: number;
}

export type FromBenchReplica =
  | { readonly kind: 'offer'; readonly offer: MeshOffer }
  | { readonly kind: 'ready' }
  | { readonly kind: 'transferring'; readonly atUs: number }
  | { readonly kind: 'tookOver'; readonly times: TakeOverTimes }
  | { readonly kind: 'proposed'; readonly result: ProposeResult }
  | { readonly kind: 'wrapped'; readonly result: WrapResult }
  | { readonly kind: 'report'; readonly report: BenchReport };

/** CLOCK_MONOTONIC, in µs. */
export interface TakeOverTimes {
  readonly suspectedUs: number;
  readonly requestedUs: number;
  readonly grantedUs: number;
  readonly caughtUpUs: number;
  readonly decidedUs: number;
}

export interface ProposeResult {
  readonly meanNs: number;
  readonly opsPerSecond: number;
  readonly latencyNs: Tail;
  readonly rawMeanNs: number;
  readonly rawWriteNs: Percentiles;
  /** The same to one peer only; measured over RDMA devices. */
  readonly rawOneWriteNs?: Percentiles;
  readonly distribution: Distribution;
  readonly rawDistribution: Distribution;
  readonly clockReadNs: number;
}

/** What a replica applied, by who proposed it: proposals of one origin are 1, 2, 3 … */
export interface BenchReport {
  readonly last: readonly number[];
  readonly duplicated: number;
  /** Origin and number of commands that were passed over. */
  readonly missing: readonly (readonly [origin: number, number: number])[];
  readonly suspicions: number;
  readonly leads: boolean;
  /** How many logs it writes, its own included; 0 unless it leads. */
  readonly confirmed: number;
  /** Of all that was applied, in order. */
  readonly digest: number;
  /** Where the log is applied up to, and how many bytes a lap has. */
  readonly applied: number;
  readonly capacityBytes: number;
  /** Longest time between two commands of its own that were decided, since the last report. */
  readonly longestGapMs: number;
}
