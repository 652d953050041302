import { minimise, type MinimiseBudget } from './minimise.ts';
import { runSpec } from './run-seed.ts';
import { drawSpec, type RunSpec } from './run-spec.ts';

/** Lines of the trace that are shown before the violation. */
const TRACE_LINES_MAX = 80;

/**
 * Reduces a failing seed and tells what is left: the cluster, its clients, the faults that it takes,
 * and the end of the trace. Empty when the seed breaks nothing.
 */
export function explain(seed: number, faults: 'all' | 'none', budget: MinimiseBudget): string[] {
  const spec = drawSpec(seed, faults);
  const minimised = minimise(spec, budget);
  if (minimised === undefined) return [];
  const lines = readable(runSpec(minimised.spec, 'lines').trace?.lines ?? []);
  const left = Math.max(0, lines.length - TRACE_LINES_MAX);
  return [
    `seed ${seed}: ${minimised.violation.message}`,
    `smallest run that breaks ${minimised.violation.invariant}, of ${minimised.runs} tried:`,
    ...describe(minimised.spec),
    `${spec.schedule.length} faults became ${minimised.spec.schedule.length}; the trace, ${left} lines left out:`,
    ...lines.slice(left),
    `${minimised.violation.timeUs.toFixed(3).padStart(12)} ${minimised.violation.message}`,
  ];
}

/** What a run is made of, in words. */
function describe({ cluster, workload, fabric, schedule, safetyUs }: RunSpec): string[] {
  const { capacityBytes, payloadBytesMax, windowBytes } = cluster.geometry;
  return [
    `  ${cluster.replicas} replicas, a ring of ${capacityBytes} bytes, window ${windowBytes}, payload up to ${payloadBytesMax}, MTU ${cluster.mtuBytes}${cluster.immediate ? ', writes over at once' : ''}`,
    `  clients: ${JSON.stringify(workload)}, sessions: ${JSON.stringify(cluster.sessions ?? 'none')}`,
    `  fabric: ${fabric === 'none' ? 'calm' : JSON.stringify(fabric)}`,
    `  faults in ${safetyUs} µs:${schedule.length === 0 ? ' none' : ''}`,
    ...schedule.map(({ atUs, kind, us }) => `    ${String(atUs).padStart(6)} µs ${kind}, ${us} µs`),
  ];
}

/** Pieces of one write become one line; a write that stays torn ends in a line with `…`. */
function readable(lines: readonly string[]): string[] {
  /** By writer and first byte: where in `kept` the line of the write stands that goes on there. */
  const going = new Map<string, number>();
  const kept: string[] = [];
  for (const line of lines.toReversed()) {
    const [, who, from, to] = /^ *[\d.]+ (r\d+ writes r\d+) \[(\d+), (\d+)\)/.exec(line) ?? [];
    const rest = line.endsWith('…') ? going.get(`${who} ${to}`) : undefined;
    if (rest === undefined) kept.push(line);
    else kept[rest] = kept[rest].replace(`[${to}, `, `[${from}, `);
    if (rest !== undefined) going.delete(`${who} ${to}`);
    if (who !== undefined) going.set(`${who} ${from}`, rest ?? kept.length - 1);
  }
  return kept.reverse();
}
