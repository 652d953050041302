import { devicesOf } from '../bench/devices.ts';
import { environment } from '../bench/environment.ts';
import type { ProposePlan, ProposeResult } from '../bench/messages.ts';
import { measureProposing, type Measured } from '../bench/propose-measurement.ts';
import { interruption } from '../interruption.ts';
import { wholeNumber } from '../output/numbers.ts';

export interface BenchProposeOptions {
  readonly replicas: string;
  readonly payload: string;
  readonly count: string;
  readonly outstanding: string;
  readonly batch: string;
  readonly fabricRttNs: string;
  readonly fabric?: string;
  readonly json?: boolean;
}

/** `mu bench propose`: exit status 0 only when every proposal was decided. */
export async function benchPropose(options: BenchProposeOptions): Promise<number> {
  const replicas = wholeNumber('replicas', options.replicas, 1, 9);
  const fabricRttNs = wholeNumber('fabric-rtt-ns', options.fabricRttNs, 0, 1e9);
  const plan = {
    payloadBytes: wholeNumber('payload', options.payload, 8, 65_536),
    count: wholeNumber('count', options.count, 100, 1e9),
    outstanding: wholeNumber('outstanding', options.outstanding, 1, 32),
    batch: wholeNumber('batch', options.batch, 1, 4096),
  };
  const devices = devicesOf(options.fabric, replicas);
  const signal = interruption();
  const [result] = await measureProposing({ replicas, fabricRttNs, devices, signal }, [plan]);
  const report = {
    ...reportOf(result, plan),
    replicas,
    fabricRttNs,
    ...environment(),
    provider: devices === undefined ? 'shm' : 'ibverbs',
    modelled: fabricRttNs > 0,
  };
  if (options.json === true) console.log(JSON.stringify(report));
  else print(report, result);
  return 0;
}

function reportOf(result: Measured, plan: ProposePlan) {
  return {
    bench: 'propose',
    ...plan,
    latencyNs: result.latencyNs,
    meanNs: result.meanNs,
    rawWriteNs: result.rawWriteNs,
    rawMeanNs: result.rawMeanNs,
    ...(result.rawOneWriteNs === undefined ? {} : { rawOneWriteNs: result.rawOneWriteNs }),
    ratioOfMedians: result.latencyNs.p50 / result.rawWriteNs.p50,
    ratioToRaw: result.meanNs / result.rawMeanNs,
    overheadNs: result.meanNs - result.rawMeanNs,
    opsPerSecond: result.opsPerSecond,
    clockReadNs: result.clockReadNs,
    leaderHasOwnCore: result.ownCore,
  };
}

function print(
  report: ReturnType<typeof reportOf> & {
    replicas: number;
    provider: string;
    modelled: boolean;
    cpu: string;
    commit: string;
  },
  result: ProposeResult,
): void {
  const { latencyNs, rawWriteNs } = result;
  const ns = (value: number): string => `${value.toFixed(0)} ns`;
  console.log(
    [
      `${report.count} proposals of ${report.payloadBytes} B, ${report.replicas} replicas over ${report.provider}${report.modelled ? ' (modelled round trip)' : ''}, ${report.outstanding} outstanding, ${report.batch} per entry`,
      `mean      ${ns(report.meanNs)}   ${(report.opsPerSecond / 1e6).toFixed(2)} million commands/s`,
      `latency   p50 ${ns(latencyNs.p50)}, p99 ${ns(latencyNs.p99)}, p99.9 ${ns(latencyNs.p999)}, max ${ns(latencyNs.max)} (a clock read of ${ns(report.clockReadNs)} included)`,
      `raw       mean ${ns(report.rawMeanNs)}, p50 ${ns(rawWriteNs.p50)}, p99 ${ns(rawWriteNs.p99)}: the same bytes to the same peers, in C++`,
      `ratio     ${report.ratioToRaw.toFixed(2)} × raw, ${ns(report.overheadNs)} above it; of the medians ${report.ratioOfMedians.toFixed(2)}`,
      `leader    ${report.leaderHasOwnCore ? 'on a core of its own' : 'shares its core with the followers'}`,
      `${report.cpu}, commit ${report.commit}`,
    ].join('\n'),
  );
}
