import { patienceUs } from '../limits.ts';
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
import { Rounds, type RoundsOptions } from './round.ts';
import { StagingLayout } from './staging.ts';
import { Submission } from './submission.ts';
import { TakeOver } from './take-over.ts';
import { Double, Int } from './plane-link.ts';

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
  readonly takeOver: TakeOver;
  readonly proofs: PermissionProofs;
  readonly replayer: Replayer<Result>;
  readonly reconfiguration: Reconfiguration;
  readonly detector: DivergenceDetector;
  readonly handOver: HandOver;
  readonly beginning: Beginning;
}

/** Makes the pieces. */
export function makeParts<Result>(
  options: ReplicationPlaneOptions<Result>,
  { giveUp, takeIn }: Pick<RoundsOptions, 'giveUp' | 'takeIn'>,
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
  const graceUs = tuning.grantGraceUs;
  const rounds = new Rounds({ slots, fastPath, nowUs, graceUs, giveUp, takeIn });
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
    options.apply,
    pending,
    membership,
    detector,
  );
  const log = memory.log.bytes;
  const lanes = new EpochLanes(options.lanes, self, link, sendRing);
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
    gathering: new GrantGathering({ self, lanes, membership, link, graceUs, nowUs }),
    fastPath,
    rounds,
    access,
    takeOver: makeTakeOver(options, { fastPath, access, rounds, replayer, lanes }, giveUp),
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

/** Made once, not for each epoch: one that begins has no time for it. */
function makeTakeOver<Result>(
  { self, link, nowUs, tuning }: ReplicationPlaneOptions<Result>,
  parts: Pick<ReplicationParts<Result>, 'fastPath' | 'access' | 'rounds' | 'replayer' | 'lanes'>,
  leaveOut: (lane: number) => void,
): TakeOver {
  const { fastPath, access, rounds, replayer, lanes } = parts;
  return new TakeOver({
    self,
    fastPath,
    access,
    rounds,
    nowUs,
    patienceUs: patienceUs(tuning),
    known: () => replayer.known,
    applied: () => replayer.applied >= replayer.known,
    learnt: (known, release) => replayer.decidedUpTo(known, release),
    release: () => replayer.releasable,
    ownHead: () => link.offset(Double.head),
    ownKept: () => link.offset(Double.releasable),
    granted: (replica) => lanes.granted(replica),
    leaveOut,
    strayed: () => link.setInt(Int.strayed, 1),
    unserved: () => link.setInt(Int.unserved, 1),
  });
}
