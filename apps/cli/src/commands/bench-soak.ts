import { environment, type Environment } from '../bench/environment.ts';
import { soak, SOAKS, type SoakKind, type SoakResult } from '../bench/soak.ts';
import { CliError } from '../errors.ts';
import { interruption } from '../interruption.ts';
import { progress } from '../output/progress.ts';

/**
 * `mu bench soak`: exit status 0 only when all replicas are equal in the end, nothing was applied twice,
 * commands were decided in every second, and nobody who lived was suspected, unless the machine was
 * overloaded on purpose.
 */
export async function benchSoak(options: {
  kind: string;
  minutes: string;
  json?: boolean;
}): Promise<number> {
  const kind = SOAKS.find((one) => one === options.kind);
  if (kind === undefined)
    throw new CliError(
      'USAGE',
      `--kind must be one of ${SOAKS.join(', ')}, not ${options.kind}`,
      2,
    );
  const minutes = Number(options.minutes);
  if (!(minutes > 0 && minutes <= 1440))
    throw new CliError('USAGE', `--minutes must be above 0 and at most 1440, not ${options.minutes}`, 2); // prettier-ignore
  const show = progress();
  const result = await soak(kind, minutes * 60, interruption(), (seconds) =>
    show(`${kind}: ${seconds.toFixed(0)} of ${(minutes * 60).toFixed(0)} s`),
  );
  show();
  const report = { bench: 'soak', kind, ...result, ...environment() };
  if (options.json === true) console.log(JSON.stringify(report));
  else print(report);
  return good(kind, result) ? 0 : 1;
}

function good(kind: SoakKind, result: SoakResult): boolean {
  const { digestsEqual, duplicated, missing, secondsWithout, falseSuspicions } = result;
  const wentOn = kind !== 'writes' || secondsWithout === 0;
  const calm = kind === 'load' || falseSuspicions === 0;
  return digestsEqual && duplicated === 0 && missing === 0 && wentOn && calm;
}

function print(report: SoakResult & Environment & { kind: SoakKind }): void {
  const { rssBytes } = report;
  const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  console.log(
    [
      `${report.kind}: ${report.seconds.toFixed(0)} s, ${report.commands} commands, ${report.wraps} wraps`,
      `longest time without a command ${report.longestGapMs.toFixed(1)} ms, seconds without one ${report.secondsWithout}`,
      `resident memory ${mib(rssBytes.afterFifth)} after a fifth, ${mib(rssBytes.last)} in the end, ${mib(rssBytes.max)} at most`,
      `digests ${report.digestsEqual ? 'equal' : 'NOT EQUAL'}, applied twice ${report.duplicated}, passed over ${report.missing}`,
      `leader changes ${report.leaderChanges}, false suspicions ${report.falseSuspicions}`,
      `${report.cpu}, commit ${report.commit}`,
    ].join('\n'),
  );
}
