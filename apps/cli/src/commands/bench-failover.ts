import { devicesOf } from '../bench/devices.ts';
import { environment } from '../bench/environment.ts';
import {
  FAILOVER_KINDS,
  REPLICAS,
  runTrial,
  spansOf,
  type FailoverKind,
  type Trial,
} from '../bench/failover-trial.ts';
import { CliError } from '../errors.ts';
import { interruption } from '../interruption.ts';
import { percentile, wholeNumber } from '../output/numbers.ts';
import { progress } from '../output/progress.ts';

/** `mu bench failover`: exit status 0 only when nothing acknowledged was lost or applied twice. */
export async function benchFailover(options: {
  trials: string;
  kind: string;
  fabric?: string;
  json?: boolean;
}): Promise<number> {
  const trials = wholeNumber('trials', options.trials, 1, 10_000);
  const { kind } = options;
  if (!isFailoverKind(kind))
    throw new CliError('USAGE', `--kind must be ${FAILOVER_KINDS.join(', ')}, not ${kind}`, 2);

  const devices = devicesOf(options.fabric, REPLICAS);
  const signal = interruption();
  const show = progress();
  const done: Trial[] = [];
  while (done.length < trials) {
    done.push(await runTrial(kind, signal, devices));
    show(`trial ${done.length} of ${trials}`);
  }
  show();
  const provider = devices === undefined ? 'shm' : 'ibverbs';
  const report = { ...summary(kind, done), ...environment(), provider };
  if (options.json === true) console.log(JSON.stringify(report));
  else print(report);
  return report.lostAcknowledged === 0 && report.duplicated === 0 ? 0 : 1;
}

function isFailoverKind(kind: string): kind is FailoverKind {
  return (FAILOVER_KINDS as readonly string[]).includes(kind);
}

function summary(kind: string, trials: readonly Trial[]) {
  const spans = spansOf(trials);
  const sum = (of: (trial: Trial) => number): number =>
    trials.reduce((all, trial) => all + of(trial), 0);
  return {
    bench: 'failover',
    kind,
    trials: trials.length,
    totalUs: {
      p50: percentile(spans.total, 50),
      p99: percentile(spans.total, 99),
      max: Math.max(...spans.total),
    },
    detectUs: percentile(spans.detection, 50),
    permissionUs: percentile(spans.permission, 50),
    catchUpUs: percentile(spans.catchUp, 50),
    lostAcknowledged: sum((trial) => trial.lostAcknowledged),
    duplicated: sum((trial) => trial.duplicated),
    falseSuspicions: sum((trial) => trial.falseSuspicions),
  };
}

function print(
  report: ReturnType<typeof summary> & { provider: string; cpu: string; commit: string },
): void {
  const us = (value: number): string => `${value.toFixed(0)} µs`;
  const { totalUs } = report;
  console.log(
    [
      `${report.trials} fail-overs by ${report.kind} over ${report.provider}, from the signal to the first command decided by the new leader`,
      `total      p50 ${us(totalUs.p50)}, p99 ${us(totalUs.p99)}, max ${us(totalUs.max)}`,
      `of which   detection ${us(report.detectUs)}, permissions ${us(report.permissionUs)}, catching up ${us(report.catchUpUs)} (medians)`,
      `lost ${report.lostAcknowledged}, applied twice ${report.duplicated}, false suspicions ${report.falseSuspicions}`,
      `${report.cpu}, commit ${report.commit}`,
    ].join('\n'),
  );
}
