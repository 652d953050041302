import { Agent, request, type IncomingMessage } from 'node:http';
import type { SessionOutcome, SessionRequest } from '@mu-smr/consensus';
import { headersOf, parseSession } from '../kv/kv-session.ts';
import { decodeWrite } from '../kv/kv-state-machine.ts';

/** How one request ended. */
export type Answer =
  | { readonly kind: 'done'; readonly value: string | undefined }
  /** Definitely not done. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' };

/** One request, and what came back last. */
interface Sent {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

interface Received {
  readonly status: number | undefined;
  readonly text: string;
  readonly location: string | undefined;
}

/** Long enough for a fail-over, short enough to try another replica soon. */
const TIMEOUT_MS = 2000;
const REDIRECTS_MAX = 3;

/** A client of the key-value store over HTTP, with a connection of its own. */
export class KvClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** `body` is the value to write; without one, the key is read. */
  async call(address: string, key: string, body?: string): Promise<Answer> {
    const sent: Sent = body === undefined ? { method: 'GET' } : { method: 'PUT', body };
    const answer = await this.#follow(`http://${address}/${key}`, sent);
    if (answer === 'refused' || answer === 'unknown') return { kind: answer };
    if (answer.status === 204) return { kind: 'done', value: body };
    if (answer.status === 200) return { kind: 'done', value: answer.text };
    if (answer.status === 404) return { kind: 'done', value: undefined };
    return { kind: 'unknown' };
  }

  /** One attempt of a session's request. */
  async attempt(address: string, asked: SessionRequest): Promise<SessionOutcome> {
    const answer = await this.#follow(...this.#sessionRequest(address, asked));
    if (answer === 'refused') return { kind: 'notLeader' };
    if (answer === 'unknown') return { kind: 'unknown' };
    const { status, text } = answer;
    const session = status === 201 ? parseSession(text) : undefined;
    if (session !== undefined) return { kind: 'decided', result: { kind: 'opened', session } };
    if (status === 204) {
      const result = { kind: 'applied', reply: new Uint8Array(0), again: false } as const;
      return { kind: 'decided', result };
    }
    if (status === 409 || status === 410) {
      const code = status === 410 ? 'SESSION_EXPIRED' : 'REPLY_FORGOTTEN';
      return { kind: 'decided', result: { kind: 'refused', code } };
    }
    return { kind: 'unknown' };
  }

  close(): void {
    this.#agent.destroy();
  }

  #sessionRequest(address: string, asked: SessionRequest): [url: string, sent: Sent] {
    const base = `http://${address}/`;
    if (asked.kind !== 'numbered') return [base, { method: 'POST' }];
    const { key, value } = decodeWrite(asked.command);
    return [`${base}${key}`, { method: 'PUT', body: value, headers: headersOf(asked) }];
  }

  /** Goes where it is sent; what is refused was not done for certain. */
  async #follow(first: string, sent: Sent): Promise<Received | 'refused' | 'unknown'> {
    let url = first;
    for (let redirects = 0; redirects < REDIRECTS_MAX; redirects++) {
      const answer = await this.#request(url, sent).catch((error: Error) => error);
      if (answer instanceof Error)
        return (answer as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : 'unknown';
      if (answer.status === 503) return 'refused';
      if (answer.status !== 307 || answer.location === undefined) return answer;
      url = answer.location;
    }
    return 'refused';
  }

  #request(url: string, { method, body, headers = {} }: Sent): Promise<Received> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const options = { method, agent: this.#agent, signal, headers };
      const sent = request(url, options, (response) => {
        textOf(response).then(
          (text) =>
            resolve({ status: response.statusCode, text, location: response.headers.location }),
          reject,
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
