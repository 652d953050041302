import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { CliError } from '../errors.ts';
import { ChangeRequest, type ChangeReport } from './change.ts';
import type { GroupChanges } from './group-changes.ts';

/** Where the owner of a group's processes listens for changes. */
export function changesPath(fabric: string): string {
  return `${fabric}/changes.sock`;
}

/**
 * Makes the changes that `mu add` and its siblings ask for: one line of JSON is asked, and reports come
 * back until `done` or `failed`. Who asked and ends its side before that takes the change back.
 */
export async function serveChanges(
  fabric: string,
  changes: GroupChanges,
): Promise<{ close(): Promise<void> }> {
  const open = new Map<Socket, Promise<void>>();
  const closing = new AbortController();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const served = serve(socket, changes, closing.signal).finally(() => open.delete(socket));
    open.set(socket, served);
  });
  server.listen(changesPath(fabric));
  await once(server, 'listening');
  return {
    close: async () => {
      server.close();
      closing.abort(new CliError('INTERRUPTED', 'the group is being ended'));
      await Promise.all(open.values());
    },
  };
}

async function serve(socket: Socket, changes: GroupChanges, closing: AbortSignal): Promise<void> {
  const gone = new AbortController();
  const abort = (): void => gone.abort(new CliError('INTERRUPTED', 'the change was taken back'));
  closing.addEventListener('abort', abort, { once: true });
  socket.on('error', abort).on('close', abort).on('end', abort);
  const tell = (report: ChangeReport): void => {
    if (socket.writable) socket.write(`${JSON.stringify(report)}\n`);
  };
  const line = once(createInterface(socket), 'line', { signal: gone.signal });
  try {
    const [text] = (await line) as [string];
    tell(await changes.make(ChangeRequest.parse(JSON.parse(text)), tell, gone.signal));
  } catch (error) {
    const { code = 'FAILED', message, exitCode = 1 } = error as Partial<CliError> & Error;
    tell({ kind: 'failed', code, message, exitCode });
  } finally {
    closing.removeEventListener('abort', abort);
    socket.end();
  }
}

/** How long a change that we gave up may take to be taken back. */
const TAKE_BACK_MS = 20_000;

/**
 * Asks for a change and passes the reports on; resolves with what was done. When the signal fires, the
 * change is taken back first. Rejects with `CliError`: with its own code, the owner's, or the signal's.
 */
export async function askChange(
  fabric: string,
  request: ChangeRequest,
  report: (report: ChangeReport) => void,
  signal: AbortSignal,
): Promise<ChangeReport & { kind: 'done' }> {
  const socket = createConnection({ path: changesPath(fabric), allowHalfOpen: true });
  const giveUp = (): void => {
    socket.end();
    socket.setTimeout(TAKE_BACK_MS, () => socket.destroy());
  };
  try {
    await once(socket, 'connect').catch((cause: Error) => {
      throw new CliError('NO_OWNER', `nobody answers for this group: ${cause.message}`);
    });
    socket.write(`${JSON.stringify(request)}\n`);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    socket.on('error', () => undefined);
    for await (const line of createInterface(socket)) {
      const told = JSON.parse(line) as ChangeReport;
      if (told.kind === 'done') return told;
      if (told.kind === 'failed')
        throw signal.aborted
          ? (signal.reason as Error)
          : new CliError(told.code, told.message, told.exitCode);
      report(told);
    }
    throw signal.aborted
      ? (signal.reason as Error)
      : new CliError('NO_OWNER', 'the owner of this group ended before the change was made');
  } finally {
    signal.removeEventListener('abort', giveUp);
    socket.destroy();
  }
}
