import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type {
  RemovalOutcome,
  ReplicaStatus,
  TimelineStep,
  TransferOutcome,
} from '@mu-smr/consensus';
import { z } from 'zod';
import { CliError } from '../errors.ts';
import { wentAway } from './own-directory.ts';

/** What a replica's process answers on its control socket. */
export interface ControlAnswer {
  readonly status: ReplicaStatus;
  /** The last fail-over to this replica. */
  readonly timeline: readonly TimelineStep[];
  /** Of the applied state, where the application tells one: equal replicas have equal digests. */
  readonly digest?: string | undefined;
}

export function controlPath(fabric: string, id: number): string {
  return `${fabric}/control-${id}.sock`;
}

const Request = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('status') }),
  /** Removes a member: for the leader. */
  z.object({ kind: z.literal('remove'), id: z.int().min(0) }),
  /** Gives leadership to another, to any that is up to date when none is named: for the leader. */
  z.object({ kind: z.literal('transfer'), to: z.int().min(0).optional() }),
]);
type Request = z.infer<typeof Request>;

/** What a replica's process does when it is asked. */
export interface Controlled {
  status(): ControlAnswer;
  remove(id: number): Promise<RemovalOutcome>;
  transfer(to?: number): Promise<TransferOutcome>;
}

/** No request is longer. */
const REQUEST_BYTES_MAX = 1024;

/**
 * Serves the `mu` command: one line of JSON is asked, one JSON value is answered. The directory is made
 * when it is missing, and stays as long as the socket is in it.
 */
export async function serveControl(
  path: string,
  controlled: Controlled,
): Promise<{ close(): void }> {
  if (await listens(path))
    throw new CliError('REPLICA_RUNS', `this replica runs already: it answers at ${path}`);
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0 && text.length <= REQUEST_BYTES_MAX) return;
      socket.removeAllListeners('data');
      answer(text.slice(0, Math.max(0, end)), controlled).then(
        (value) => socket.end(JSON.stringify(value)),
        () => socket.destroy(),
      );
    });
  });
  await listen(server, path);
  return {
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroySoon();
      rmSync(path, { force: true });
    },
  };
}

/** A replica that ends removes the directory that all share, unless it has something in it. */
async function listen(server: Server, path: string): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      server.listen(path);
      await once(server, 'listening');
      return;
    } catch (error) {
      if (!wentAway(error, attempt)) throw error;
    }
}

/** Whether somebody serves there; what a killed process left does not. */
function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function answer(line: string, controlled: Controlled): Promise<object> {
  const request = Request.parse(JSON.parse(line));
  if (request.kind === 'remove') return controlled.remove(request.id);
  return request.kind === 'status' ? controlled.status() : controlled.transfer(request.to);
}

/** Asks a replica for its status; `undefined` when it does not answer in time. */
export async function askControl(
  path: string,
  timeoutMs = 300,
): Promise<ControlAnswer | undefined> {
  return (await ask(path, { kind: 'status' }, timeoutMs)) as ControlAnswer | undefined;
}

/** Asks a leader to remove a member; `undefined` when no answer came in time: it may be done. */
export async function askRemoval(
  path: string,
  id: number,
  timeoutMs: number,
): Promise<RemovalOutcome | undefined> {
  return (await ask(path, { kind: 'remove', id }, timeoutMs)) as RemovalOutcome | undefined;
}

/** Asks a leader to hand over; `undefined` when no answer came in time: it may be done. */
export async function askTransfer(
  path: string,
  to: number | undefined,
  timeoutMs: number,
): Promise<TransferOutcome | undefined> {
  return (await ask(path, { kind: 'transfer', to }, timeoutMs)) as TransferOutcome | undefined;
}

function ask(path: string, request: Request, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    let text = '';
    const finish = (answered: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    socket.setEncoding('utf8');
    socket.write(`${JSON.stringify(request)}\n`);
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => finish(undefined));
    socket.on('end', () => {
      try {
        finish(JSON.parse(text));
      } catch {
        finish(undefined);
      }
    });
  });
}
