import { AccessFlags } from '@mu-smr/verbs';
import type { SimReplica } from './sim-replica.ts';

/** Whether a replica may write this log now, by the state of the queue pair. */
export function mayWrite(log: SimReplica, writer: SimReplica): boolean {
  if (log.crashed || log.connectedTo(writer.id) !== writer.incarnation) return false;
  const lane = log.replicationAssembly.incoming(writer.id);
  return lane.state === 'readyToSend' && (lane.accessFlags & AccessFlags.remoteWrite) !== 0;
}

/**
 * Whether a replica may write the logs of a majority of the members now. One that was deposed while it
 * stood still may lead by its own word, but can decide nothing: what it believes is nobody's harm.
 */
export function mayDecide(replicas: readonly SimReplica[], leader: SimReplica): boolean {
  const { membership } = leader.replication;
  const logs = replicas.filter(
    (log) => membership.member(log.id) === log.incarnation && mayWrite(log, leader),
  );
  return logs.length >= membership.majority;
}
