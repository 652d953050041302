import { Redis } from 'ioredis';
import {
  RedisBackend,
  RedisFrontEnd,
  RedisStateMachine,
  UnreplicatedProposer,
} from '../../src/index.js';
import type { RedisFrontEndOptions } from '../../src/index.js';

/** One replica without replication: backend, state machine, front end; closed by `await using`. */
export interface Single extends AsyncDisposable {
  readonly backend: RedisBackend;
  readonly stateMachine: RedisStateMachine;
  readonly frontEnd: RedisFrontEnd;
  readonly port: number;
}

export async function startSingle(options: Partial<RedisFrontEndOptions> = {}): Promise<Single> {
  const backend = await RedisBackend.start();
  const stateMachine = new RedisStateMachine(backend);
  const replica = new UnreplicatedProposer(stateMachine);
  const frontEnd = await RedisFrontEnd.listen({ replica, stateMachine, ...options });
  return {
    backend,
    stateMachine,
    frontEnd,
    port: frontEnd.port,
    async [Symbol.asyncDispose]() {
      await frontEnd.close();
      await backend.close();
    },
  };
}

export function ioredis(port: number): Redis {
  return new Redis(port, '127.0.0.1', { retryStrategy: () => null, maxRetriesPerRequest: 0 });
}
