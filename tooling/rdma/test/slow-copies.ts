import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

const TRACING = '/sys/kernel/tracing';
/** Where Soft-RoCE copies what it has received, after it has checked the permission. */
const COPY = 'rxe_mr_copy';

/**
 * Makes the device slow between the check of a packet and its copy, by that many trace events at the
 * beginning of the copy, each of which writes down the kernel's stack. Returns what undoes it.
 */
export function slowCopies(events: number): () => void {
  if (!existsSync(`${TRACING}/kprobe_events`))
    execFileSync('mount', ['-t', 'tracefs', 'tracefs', TRACING]);
  for (let n = 0; n < events; n++)
    appendFileSync(`${TRACING}/kprobe_events`, `p:slow/event${n} ${COPY}\n`);
  // Not with the names of processes: the kernel would learn them by a probe in its scheduler, and QEMU let a
  // processor run into that probe's trap when it was gone already (`Oops: int3` in `__schedule`).
  writeFileSync(`${TRACING}/options/record-cmd`, '0');
  writeFileSync(`${TRACING}/options/stacktrace`, '1');
  writeFileSync(`${TRACING}/events/slow/enable`, '1');
  return () => {
    writeFileSync(`${TRACING}/events/slow/enable`, '0');
    writeFileSync(`${TRACING}/options/stacktrace`, '0');
    writeFileSync(`${TRACING}/kprobe_events`, '');
  };
}
