import { aborted } from '../interruption.ts';
import { findGroup } from './group-file.ts';
import { groupStatus, statusTable } from './group-status.ts';
import type { LocalGroup } from './local-group.ts';

/** How often the status table is drawn anew on a terminal. */
const REFRESH_MS = 500;

/**
 * Says where clients connect and keeps the status table fresh on a terminal, until the signal.
 * Elsewhere the table is printed once. A replica that ends is told of, with its last words.
 */
export async function showGroup(group: LocalGroup, signal: AbortSignal): Promise<void> {
  const addresses = group.members.map((one) => one.client).join(', ');
  console.log(`group ${group.name}: clients connect to ${addresses}; Ctrl-C ends it`);
  const notes: string[] = [];
  let redraw: () => void = () => undefined;
  const tell = (note: string): void => {
    if (signal.aborted) return;
    notes.push(note);
    if (process.stdout.isTTY) redraw();
    else console.log(note);
  };
  group.on('exit', (id) => tell(`replica ${id} has ended: ${group.lastWords(id)}`));
  group.on('restarted', (id) => tell(`replica ${id} was started again and joins the group`));
  group.on('changed', tell);
  const draw = async (): Promise<string> => statusTable(await groupStatus(findGroup(group.name)));
  if (!process.stdout.isTTY) {
    console.log(await draw());
    await aborted(signal);
    return;
  }

  let shown = 0;
  redraw = () => {
    void draw().then((table) => {
      if (signal.aborted) return;
      // A line that the terminal wraps would be two.
      const lines = [...table.split('\n'), ...notes].map((line) => line.slice(0, columns()));
      const up = shown === 0 ? '' : `\x1b[${shown}A`;
      process.stdout.write(`${up}\x1b[J${lines.join('\n')}\n`);
      shown = lines.length;
    }, ignored);
  };
  redraw();
  const timer = setInterval(redraw, REFRESH_MS);
  await aborted(signal);
  clearInterval(timer);
}

function columns(): number {
  return process.stdout.columns > 0 ? process.stdout.columns : 80;
}

/** The next drawing tells. */
function ignored(): void {
  return undefined;
}
