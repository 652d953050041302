import type { ApplyResult, RedisStateMachine } from '@mu-smr/adapter-redis';
import { Replica, type IbverbsFabric } from '@mu-smr/consensus';
import type { ClusterConfig } from './cluster-config.js';

/** The replica that a configuration describes, not started yet. */
export function createReplica(
  config: ClusterConfig,
  id: number,
  stateMachine: RedisStateMachine,
  ibverbs?: IbverbsFabric,
): Replica<ApplyResult> {
  const { name, fabric, secret, replicas, founders = replicas.length, log } = config;
  return new Replica({
    id,
    replicas: founders,
    slots: replicas.length,
    group: name,
    fabric,
    ...(ibverbs === undefined ? {} : { ibverbs }),
    secret,
    geometry: log,
    tuning: { replayUs: REPLAY_US },
    stateMachine,
  });
}

/** What a follower applies wakes its redis-server, once however much it is: more may gather. */
const REPLAY_US = 5000;
