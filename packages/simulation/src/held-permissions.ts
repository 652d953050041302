import { AccessFlags } from '@mu-smr/verbs';
import type { SimReplica } from './sim-replica.ts';

/** Whether a replica may write this log now, by the state of the queue pair. */
export function mayWrite(log: SimReplica, writer: number): boolean {
  if (log.crashed) return false;
  const lane = log.replicationAssembly.incoming[writer];
  return lane.state === 'readyToSend' && (lane.accessFlags & AccessFlags.remoteWrite) !== 0;
}

/**
 * Whether a replica may write a majority of the logs now. One that was deposed while it stood still
 * may lead by its own word, but can decide nothing: what it believes is nobody's harm.
 */
export function mayDecide(replicas: readonly SimReplica[], leader: SimReplica): boolean {
  const logs = replicas.filter((replica) => mayWrite(replica, leader.id));
  return logs.length * 2 > replicas.length;
}
