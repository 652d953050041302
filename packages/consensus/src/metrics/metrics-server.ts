import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { ConsensusError } from '../errors.ts';
import { replicaMetrics, type MetricsSource } from './replica-metrics.ts';

/** Where metrics are served. */
export interface MetricsAddress {
  /** Default: this machine alone. Whoever may connect may read. */
  readonly host?: string;
  /** 0 takes a port that is free. */
  readonly port: number;
}

/** Serves `GET /metrics` of one replica to Prometheus, until the replica is closed. */
export class MetricsServer {
  readonly #server: Server;
  #closed: Promise<void> | undefined;

  private constructor(registry: Registry) {
    this.#server = createServer((request, response) => void answer(registry, request, response));
  }

  /** Rejects with `ConsensusError` METRICS_PORT when the port is in use, or is not ours to use. */
  static async listen(
    replica: MetricsSource,
    { host = '127.0.0.1', port }: MetricsAddress,
  ): Promise<MetricsServer> {
    const metrics = new MetricsServer(replicaMetrics(replica));
    try {
      metrics.#server.listen(port, host);
      await once(metrics.#server, 'listening');
    } catch (cause) {
      const { code = 'it fails' } = cause as NodeJS.ErrnoException;
      const problem = code === 'EADDRINUSE' ? 'it is in use' : code;
      throw new ConsensusError(
        'METRICS_PORT',
        `cannot serve metrics at port ${port} of ${host}: ${problem}`,
        { cause },
      );
    }
    replica.once('closed', () => void metrics.close());
    return metrics;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends connections too: a scraper keeps its own open. Closing twice is fine. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#closed;
  }
}

async function answer(
  registry: Registry,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = url?.split('?')[0];
  if (path !== '/metrics' || (method !== 'GET' && method !== 'HEAD')) {
    response.writeHead(path === '/metrics' ? 405 : 404, { 'content-type': 'text/plain' });
    response.end('metrics are at GET /metrics\n');
    return;
  }
  const text = await registry.metrics();
  response.writeHead(200, { 'content-type': registry.contentType });
  response.end(text);
}
