import type { Backend } from './backend.ts';

/** What a peer must know to connect to a queue pair; plain data, made to be sent as JSON. */
export interface QueuePairEndpoint {
  readonly provider: Backend['name'];
  /** Opaque to everyone but the provider. */
  readonly address: string;
  readonly queuePairNumber: number;
}
