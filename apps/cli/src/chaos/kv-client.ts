import { Agent, request, type IncomingMessage } from 'node:http';

/** How one request ended. */
export type Answer =
  | { readonly kind: 'done'; readonly value: string | undefined }
  /** Definitely not done. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' };

/** Long enough for a fail-over, short enough to try another replica soon. */
const TIMEOUT_MS = 2000;
const REDIRECTS_MAX = 3;

/** A client of the key-value store over HTTP, with a connection of its own. */
export class KvClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** `body` is the value to write; without one, the key is read. */
  async call(address: string, key: string, body?: string): Promise<Answer> {
    let url = `http://${address}/${key}`;
    for (let redirects = 0; redirects < REDIRECTS_MAX; redirects++) {
      const response = await this.#request(url, body).catch((error: Error) => error);
      if (response instanceof Error) {
        const refused = (response as NodeJS.ErrnoException).code === 'ECONNREFUSED';
        return refused ? { kind: 'refused' } : { kind: 'unknown' };
      }
      const { status, text, location } = response;
      if (status === 307 && location !== undefined) url = location;
      else if (status === 503) return { kind: 'refused' };
      else if (status === 204) return { kind: 'done', value: body };
      else if (status === 200) return { kind: 'done', value: text };
      else if (status === 404) return { kind: 'done', value: undefined };
      else return { kind: 'unknown' };
    }
    return { kind: 'refused' };
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(
    url: string,
    body: string | undefined,
  ): Promise<{ status: number | undefined; text: string; location: string | undefined }> {
    return new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'PUT';
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const sent = request(url, { method, agent: this.#agent, signal }, (response) => {
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
