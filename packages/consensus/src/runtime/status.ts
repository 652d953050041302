import type { LogOffset } from '@mu-smr/log';
import { Double, Int, type PlaneLink } from '../planes/plane-link.ts';
import type { ReplicationPlane } from '../planes/replication-plane.ts';
import type { PeerStatus, ReplicaStatus } from '../replica-api.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { CompleteOptions } from '../replica-options.ts';
import type { Runtime } from './runtime.ts';

/** Gathers what a replica says of itself from both planes. */
export function statusOf<Result>(
  options: CompleteOptions<Result>,
  link: PlaneLink,
  plane: ReplicationPlane<Result> | undefined,
  decidedCommands: number,
  runtime: Runtime<Result> | undefined,
): ReplicaStatus {
  const leading = plane?.leading === true;
  const leader = link.int(Int.leader);
  const zero = 0 as LogOffset;
  return {
    id: options.id,
    role: leading ? 'leader' : 'follower',
    leader: leader < 0 ? undefined : leader,
    released: link.offset(Double.head),
    applied: plane?.replayer.applied ?? zero,
    firstUndecided: plane?.replayer.known ?? zero,
    tail: leading ? plane.fastPath.tail : (plane?.replayer.scanned ?? zero),
    capacityBytes: options.geometry.capacityBytes,
    confirmedFollowers: leading
      ? plane.fastPath.active.map((lane) => lane.to).sort((a, b) => a - b)
      : [],
    members: membersOf(plane),
    votes: plane?.membership.isVoter(options.id) === true,
    phase: PHASES[link.int(Int.phase)],
    peers: peersOf(options, link),
    diverged: plane?.detector.last,
    counters: {
      postedEntries: plane?.postedEntries ?? 0,
      decidedCommands,
      appliedCommands: plane?.replayer.appliedCommands ?? 0,
      permissionRequests: link.int(Int.permissionRequests),
      permissionsGranted: link.int(Int.permissionsGranted),
      slowPermissionSwitches: link.int(Int.slowSwitches),
      aborts: plane?.endedEpochs ?? 0,
      suspicions: link.int(Int.suspicions),
      falseSuspicions: link.int(Int.falseSuspicions),
      readProofs: plane?.readProofs ?? 0,
      statesGiven: runtime?.transfers.given ?? 0,
      statesReceived: runtime?.transfers.received ?? 0,
      stateBytesReceived: runtime?.transfers.receivedBytes ?? 0,
      digestsCompared: plane?.detector.compared ?? 0,
      divergences: plane?.detector.differed ?? 0,
    },
    scheduling: runtime?.scheduling ?? 'not started',
  };
}

const PHASES = ['joining', 'catchingUp', 'running'] as const;

function membersOf<Result>(plane: ReplicationPlane<Result> | undefined): ReplicaId[] {
  const { members = [] } = plane?.membership.record ?? {};
  return members.flatMap((incarnation, id) => (incarnation === 0 ? [] : [id]));
}

function peersOf<Result>(options: CompleteOptions<Result>, link: PlaneLink): PeerStatus[] {
  const peers: PeerStatus[] = [];
  for (let id = 0; id < options.slots; id++) {
    if (id === options.id || link.offset(Double.connected, id) === 0) continue;
    peers.push({
      id,
      trusted: link.int(Int.trusted, id) === 1,
      score: link.int(Int.score, id),
      applied: link.offset(Double.peerApplied, id),
    });
  }
  return peers;
}
