import { CliError } from '../errors.ts';
import { findGroup } from '../group/group-file.ts';
import { groupStatus, statusJson, statusTable } from '../group/group-status.ts';
import { interruption } from '../interruption.ts';
import type { ChangeReport, ChangeRequest } from '../members/change.ts';
import { askChange } from '../members/change-socket.ts';
import { describeReport } from '../members/describe-report.ts';
import { wholeNumber } from '../output/numbers.ts';
import { progress } from '../output/progress.ts';

interface ChangeOptions {
  readonly group?: string;
  readonly timeout: string;
  readonly json?: boolean;
}

/** `mu add [--id N]`: one more replica, until it votes. */
export async function add(options: ChangeOptions & { readonly id?: string }): Promise<number> {
  const id = options.id === undefined ? {} : { id: wholeNumber('id', options.id, 0) };
  return change({ kind: 'add', ...id }, options);
}

/** `mu remove ID [--force]`: one member less. */
export async function remove(
  id: string,
  options: ChangeOptions & { readonly force?: boolean },
): Promise<number> {
  return change({ kind: 'remove', id: idOf(id), force: options.force === true }, options);
}

/** `mu replace ID`: another in its place. */
export async function replace(id: string, options: ChangeOptions): Promise<number> {
  return change({ kind: 'replace', id: idOf(id) }, options);
}

function idOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new CliError('USAGE', `a replica's id is a number, not "${text}"`, 2);
}

async function change(request: ChangeRequest, options: ChangeOptions): Promise<number> {
  const seconds = wholeNumber('timeout', options.timeout, 1, 24 * 3600);
  const group = findGroup(options.group);
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new CliError('TIMEOUT', `not done within ${seconds} s, and taken back`));
  }, seconds * 1000);
  const beganMs = performance.now();
  const show = options.json === true ? () => undefined : shown();
  try {
    const signal = AbortSignal.any([interruption(), late.signal]);
    const { added, removed } = await askChange(group.fabric, request, show, signal);
    const replicas = await groupStatus(findGroup(group.name));
    const ms = Math.round(performance.now() - beganMs);
    if (options.json !== true) console.log(statusTable(replicas));
    else {
      const result = { group: group.name, change: request.kind, added, removed, ms };
      console.log(JSON.stringify({ ...result, replicas: statusJson(replicas) }));
    }
    return 0;
  } finally {
    clearTimeout(timer);
  }
}

/** Prints each new phase, and on a terminal how far the present one is. */
function shown(): (report: ChangeReport) => void {
  const line = progress();
  let last = '';
  return (report) => {
    if (report.kind !== 'progress') return;
    const phase = `${report.id} ${report.phase}`;
    const text = describeReport(report);
    line(text);
    if (phase === last) return;
    last = phase;
    line();
    console.log(text);
  };
}
