import { Announcer } from './announcer.ts';
import { Beginning } from './beginning.ts';
import { DivergenceDetector } from './divergence-detector.ts';
import { EpochLanes } from './epoch-lanes.ts';
import { FastPath } from './fast-path.ts';
import { GrantGathering } from './grant-gathering.ts';
import { HandOver } from './hand-over.ts';
import { LogAccess } from './log-access.ts';
import { Membership } from './membership.ts';
import { Pending } from './pending.ts';
import { PermissionProofs } from './permission-proofs.ts';
import { Reconfiguration } from './reconfiguration.ts';
import { Replayer } from './replayer.ts';
import type { ReplicationPlaneOptions } from './replication-options.ts';
import { Rounds } from './round.ts';
import { StagingLayout } from './staging.ts';
import { Submission } from './submission.ts';

/** The pieces that the replication plane and its leadership share; they outlive every epoch. */
export interface ReplicationParts<Result> {
  readonly membership: Membership;
  readonly lanes: EpochLanes;
  readonly gathering: GrantGathering;
  readonly fastPath: FastPath;
  readonly rounds: Rounds;
  readonly access: LogAccess;
  readonly pending: Pending<Result>;
  readonly submission: Submission<Result>;
  readonly announcer: Announcer;
  readonly proofs: PermissionProofs;
  readonly replayer: Replayer<Result>;
  readonly reconfiguration: Reconfiguration;
  readonly detector: DivergenceDetector;
  readonly handOver: HandOver;
  readonly beginning: Beginning;
}

/** Makes the pieces; `giveUp` leaves out a follower that does not answer in time. */
export function makeParts<Result>(
  options: ReplicationPlaneOptions<Result>,
  giveUp: (lane: number) => void,
): ReplicationParts<Result> {
  const { self, slots, link, memory, sendRing, geometry, nonce, tuning, nowUs } = options;
  const membership = new Membership(self, options.incarnation, link);
  const layout = new StagingLayout(geometry, slots);
  const fastPath = new FastPath({
    self,
    slots,
    quorum: membership,
    memory,
    sendRing,
    completionQueue: options.completionQueue,
    geometry,
    nonce,
    stagingRingBytes: layout.ringBytes,
    outstandingMax: tuning.outstandingMax,
  });
  const rounds = new Rounds({ slots, fastPath, nowUs, graceUs: tuning.grantGraceUs, giveUp });
  const access = new LogAccess({ geometry, layout, nonce, fastPath, rounds, sendRing, memory });
  const pending = new Pending<Result>();
  const { bytes: staging } = memory.staging;
  const detector = new DivergenceDetector({
    self,
    fastPath,
    staging,
    stateMachine: options.stateMachine,
    intervalBytes: tuning.digestIntervalBytes,
    diverged: options.events.diverged,
  });
  const replayer = new Replayer(
    memory.log.bytes,
    geometry,
    nonce,
    options.stateMachine,
    pending,
    membership,
    detector,
  );
  const log = memory.log.bytes;
  const lanes = new EpochLanes(options.lanes, self, link, sendRing);
  const graceUs = tuning.grantGraceUs;
  const announcer = new Announcer(fastPath, access, link);
  const reconfiguration = new Reconfiguration(
    self,
    membership,
    fastPath,
    staging,
    () => replayer.applied,
  );
  return {
    membership,
    lanes,
    gathering: new GrantGathering({ self, lanes, membership, graceUs, nowUs }),
    fastPath,
    rounds,
    access,
    pending,
    submission: new Submission(fastPath, pending, replayer, staging, geometry, nowUs),
    announcer,
    proofs: new PermissionProofs(fastPath, access, slots, membership),
    replayer,
    detector,
    reconfiguration,
    handOver: new HandOver({ ...options, fastPath, membership, announcer, reconfiguration }),
    beginning: new Beginning(log, geometry, nonce, membership, replayer, link),
  };
}
