import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { ReplicaStatus, TimelineStep } from '@mu-smr/consensus';

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

/** Serves a replica's status to the `mu` command: one JSON answer per connection. */
export async function serveControl(
  path: string,
  answer: () => ControlAnswer,
): Promise<{ close(): void }> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(JSON.stringify(answer()));
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    close: () => {
      server.close();
      rmSync(path, { force: true });
    },
  };
}

/** Asks a replica; `undefined` when it does not answer in time. */
export function askControl(path: string, timeoutMs = 300): Promise<ControlAnswer | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    let text = '';
    const finish = (answer: ControlAnswer | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => finish(undefined));
    socket.on('end', () => {
      try {
        finish(JSON.parse(text) as ControlAnswer);
      } catch {
        finish(undefined);
      }
    });
  });
}
