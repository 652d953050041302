/**
 * One replica of a replicated Redis.
 *
 * @packageDocumentation
 */
export {
  ClusterConfigError,
  parseClusterConfig,
  readClusterConfig,
  type ClusterConfig,
} from './cluster-config.js';
export { createReplica } from './create-replica.js';
export {
  runRedisReplica,
  type CreateReplica,
  type OwnedReplica,
  type RunningRedisReplica,
  type RunRedisReplicaOptions,
} from './run-redis-replica.js';
