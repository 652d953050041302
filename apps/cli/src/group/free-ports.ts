import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { CliError } from '../errors.ts';

const HOST = '127.0.0.1';

/** Ports of the loopback interface that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  return listening(Array.from({ length: count }, () => 0));
}

/** `count` ports from the first one on; refused when somebody listens on one of them. */
export async function portsFrom(first: number, count: number): Promise<number[]> {
  return listening(Array.from({ length: count }, (_, n) => first + n));
}

/** Listens on all of them for a moment, 0 being any, and returns which they are. */
async function listening(wanted: readonly number[]): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (const port of wanted) {
      const server = createServer().listen(port, HOST);
      await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
        throw refused(port, cause);
      });
      servers.push(server);
    }
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  }
}

function refused(port: number, cause: NodeJS.ErrnoException): Error {
  const problem = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${cause.code})`;
  return new CliError(
    'PORT_UNAVAILABLE',
    `port ${port} of ${HOST} ${problem}; choose another with --port, or leave it to us`,
    1,
    { cause },
  );
}
