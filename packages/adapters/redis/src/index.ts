/**
 * Replicates an unmodified redis-server with Mu.
 *
 * @packageDocumentation
 */
export {
  RedisBackend,
  type RedisBackendOptions,
  type RedisScripts,
} from './backend/redis-backend.js';
export { RedisStateMachine, type ApplyResult } from './log/redis-state-machine.js';
export { RedisFrontEnd, type RedisFrontEndOptions, type ReplicaLike } from './front-end/redis-front-end.js'; // prettier-ignore
export { type Address } from './front-end/group-view.js';
export { UnreplicatedProposer } from './unreplicated-proposer.js';
export { RedisAdapterError, type RedisAdapterErrorCode } from './errors.js';
export { systemClock, type Clock } from './leader/clock.js';
export { commandSpecs, type CommandSpec, type KeySpec, type Treatment } from './commands/table.js';
