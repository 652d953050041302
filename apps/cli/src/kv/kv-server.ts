import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  encodeSessionRequest,
  type Replica,
  type SessionRequest,
  type SessionResult,
} from '@mu-smr/consensus';
import { encodeWrite, type KvStateMachine } from './kv-state-machine.ts';
import { newNonce, numberOf, sessionText, type Numbered } from './kv-session.ts';

/** Longest value in bytes. */
const VALUE_BYTES_MAX = 64 * 1024;

/**
 * The key-value store over HTTP: `PUT /key` with the value as body, `GET /key`. A follower answers
 * 307 with the leader's address; an outcome that cannot be told is 504, never 204.
 *
 * A `GET` with the header `mu-read: local` is answered here with what is applied here, which may be
 * old; `mu-applied` says up to which offset of the log.
 *
 * `POST /` opens a session and answers its name. A `PUT` with the headers `mu-session` and
 * `mu-sequence` may be sent again with the same ones, and is done once. 410: the session expired; 409:
 * the number is too far below the session's highest.
 */
export class KvServer {
  readonly #server: Server;
  readonly #replica: Replica<SessionResult>;
  readonly #store: KvStateMachine;
  readonly #addresses: readonly string[];

  private constructor(
    replica: Replica<SessionResult>,
    store: KvStateMachine,
    addresses: readonly string[],
  ) {
    this.#replica = replica;
    this.#store = store;
    this.#addresses = addresses;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async listen(
    replica: Replica<SessionResult>,
    store: KvStateMachine,
    addresses: readonly string[],
  ): Promise<KvServer> {
    const server = new KvServer(replica, store, addresses);
    const [host, port] = addresses[replica.id].split(':');
    server.#server.listen(Number(port), host);
    await once(server.#server, 'listening');
    return server;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = keyOf(request);
    const numbered = numberOf(request.headers);
    if (request.method === 'POST' && request.url === '/')
      await this.#propose({ kind: 'open', nonce: newNonce() }, '', response);
    else if (numbered === 'malformed') response.writeHead(400).end('not a session and a number');
    else if (key === undefined) response.writeHead(400).end('not a key');
    else if (request.method === 'PUT')
      await this.#put(key, await bodyOf(request), numbered, response);
    else if (request.method === 'GET' && request.headers['mu-read'] === 'local')
      this.#getLocal(key, response);
    else if (request.method === 'GET') await this.#get(key, response);
    else response.writeHead(405).end();
  }

  async #put(
    key: string,
    value: string | undefined,
    numbered: Numbered | undefined,
    response: ServerResponse,
  ): Promise<void> {
    if (value === undefined) {
      response.writeHead(413).end(`values have at most ${VALUE_BYTES_MAX} bytes`);
      return;
    }
    const command = encodeWrite({ key, value });
    const request: SessionRequest =
      numbered === undefined
        ? { kind: 'plain', command }
        : { kind: 'numbered', ...numbered, command };
    await this.#propose(request, key, response);
  }

  async #propose(request: SessionRequest, key: string, response: ServerResponse): Promise<void> {
    const outcome = await this.#replica.propose(encodeSessionRequest(request));
    if (outcome.kind === 'decided') this.#tell(outcome.result, response);
    else if (outcome.kind === 'notLeader') this.#redirect(key, response);
    else if (outcome.kind === 'unknown') response.writeHead(504).end('outcome unknown');
    else response.writeHead(503).end(outcome.reason);
  }

  #tell(result: SessionResult, response: ServerResponse): void {
    if (result.kind === 'opened') response.writeHead(201).end(sessionText(result.session));
    else if (result.kind !== 'refused') response.writeHead(204).end();
    else response.writeHead(result.code === 'SESSION_EXPIRED' ? 410 : 409).end(result.code);
  }

  async #get(key: string, response: ServerResponse): Promise<void> {
    const outcome = await this.#replica.readBarrier();
    if (outcome.kind === 'notLeader') this.#redirect(key, response);
    else if (outcome.kind === 'rejected') response.writeHead(503).end(outcome.reason);
    else this.#tellValue(key, {}, response);
  }

  #getLocal(key: string, response: ServerResponse): void {
    const outcome = this.#replica.localRead();
    if (outcome.kind === 'rejected') response.writeHead(503).end(outcome.reason);
    else this.#tellValue(key, { 'mu-applied': String(outcome.applied) }, response);
  }

  #tellValue(key: string, headers: Record<string, string>, response: ServerResponse): void {
    const value = this.#store.get(key);
    response.writeHead(value === undefined ? 404 : 200, headers).end(value);
  }

  #redirect(key: string, response: ServerResponse): void {
    const { leader, id } = this.#replica;
    if (leader === undefined || leader === id) response.writeHead(503).end('no leader');
    else
      response
        .writeHead(307, {
          location: `http://${this.#addresses[leader]}/${encodeURIComponent(key)}`,
        })
        .end();
  }
}

/** The path without its slash, or `undefined` when that is no text. */
function keyOf(request: IncomingMessage): string | undefined {
  try {
    return decodeURIComponent((request.url ?? '/').slice(1)) || undefined;
  } catch {
    return undefined;
  }
}

/** The request's body, or `undefined` when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > VALUE_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
