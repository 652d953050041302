import { majorityOf } from '../core/majority.ts';
import { Announcer } from './announcer.ts';
import { EpochLanes } from './epoch-lanes.ts';
import { FastPath } from './fast-path.ts';
import { LogAccess } from './log-access.ts';
import { Pending } from './pending.ts';
import { PermissionProofs } from './permission-proofs.ts';
import { Replayer } from './replayer.ts';
import type { ReplicationPlaneOptions } from './replication-options.ts';
import { Rounds } from './round.ts';
import { StagingLayout } from './staging.ts';
import { Submission } from './submission.ts';

/** The pieces that the replication plane and its leadership share; they outlive every epoch. */
export interface ReplicationParts<Result> {
  readonly majority: number;
  readonly lanes: EpochLanes;
  readonly fastPath: FastPath;
  readonly rounds: Rounds;
  readonly access: LogAccess;
  readonly pending: Pending<Result>;
  readonly submission: Submission<Result>;
  readonly announcer: Announcer;
  readonly proofs: PermissionProofs;
  readonly replayer: Replayer<Result>;
}

/** Makes the pieces; `giveUp` leaves out a follower that does not answer in time. */
export function makeParts<Result>(
  options: ReplicationPlaneOptions<Result>,
  giveUp: (lane: number) => void,
): ReplicationParts<Result> {
  const { self, replicas, link, memory, sendRing, geometry, nonce, tuning, nowUs } = options;
  const majority = majorityOf(replicas);
  const layout = new StagingLayout(geometry, replicas);
  const fastPath = new FastPath({
    self,
    replicas,
    lanes: options.lanes,
    memory,
    sendRing,
    completionQueue: options.completionQueue,
    geometry,
    nonce,
    stagingRingBytes: layout.ringBytes,
    outstandingMax: tuning.outstandingMax,
  });
  const rounds = new Rounds({ replicas, fastPath, nowUs, graceUs: tuning.grantGraceUs, giveUp });
  const access = new LogAccess({ geometry, layout, nonce, fastPath, rounds, sendRing, memory });
  const pending = new Pending<Result>();
  return {
    majority,
    lanes: new EpochLanes(options.lanes, self, link),
    fastPath,
    rounds,
    access,
    pending,
    submission: new Submission(fastPath, pending, memory.staging.bytes, geometry, nowUs),
    announcer: new Announcer(fastPath, access, link),
    proofs: new PermissionProofs(fastPath, access, replicas, majority),
    replayer: new Replayer(memory.log.bytes, geometry, nonce, options.stateMachine, pending),
  };
}
