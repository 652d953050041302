import type { SessionLimits, Tuning } from '@mu-smr/consensus';
import { DEFAULT_TUNING } from '@mu-smr/consensus/planes';
import { entryBytes, type LogGeometry } from '@mu-smr/log';
import type { Random } from './random.ts';

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly seed: number;
  readonly replicas: number;
  readonly geometry: LogGeometry;
  readonly tuning: Tuning;
  readonly mtuBytes: number;
  /** Whether a write to all is over when it was posted, as on shared memory. */
  readonly immediate: boolean;
  /** Whether a replica behind every ring gets the state of another while there are faults, too. */
  readonly transfersState: boolean;
  /** Whether the replicas' state machine has sessions, and how many it remembers. */
  readonly sessions: SessionLimits | undefined;
}

/** Draws a cluster: small rings, so that they wrap and are recycled many times, and short times. */
export function drawClusterOptions(seed: number, random: Random): ClusterOptions {
  const capacityBytes = random.pick([2048, 4096, 4096, 8192, 16_384]);
  const payloadBytesMax = Math.min(random.pick([40, 100, 300, 700]), capacityBytes / 8);
  const windowBytes = Math.max(
    2 * entryBytes(payloadBytesMax),
    capacityBytes / random.pick([2, 4, 8]),
  );
  return {
    seed,
    replicas: random.chance(0.8) ? 3 : 5,
    geometry: { capacityBytes, payloadBytesMax, windowBytes },
    mtuBytes: random.pick([64, 256, 1024]),
    immediate: random.fork('immediate').chance(0.3),
    tuning: {
      ...DEFAULT_TUNING,
      tickUs: 50,
      // Without the kernel's word a low cap mistakes the jitter of two clocks for a death.
      ...(random.chance(0.5)
        ? { score: { cap: 6, failBelow: 2, recoverAbove: 4 }, verifySuspicions: true }
        : { score: { cap: 15, failBelow: 2, recoverAbove: 6 }, verifySuspicions: false }),
      hardLimitUs: random.between(500, 3000),
      grantGraceUs: random.between(20, 300),
      grantTimeoutUs: random.between(1000, 5000),
      backOffUs: random.between(100, 1000),
      claimPatienceUs: random.between(500, 2000),
      regrantUs: random.between(200, 2000),
      idleFlushUs: random.between(20, 100),
      // Each step of a follower on its own: what gathers is no other order of events.
      replayUs: 0,
      slowFollowerUs: random.between(1000, 5000),
      fateSharingUs: random.between(1000, 4000),
      outstandingMax: random.pick([3, 8, 64]),
      digestIntervalBytes: random.fork('digests').pick([0, 500, 4000]),
    },
    transfersState: random.chance(0.8),
    sessions: drawSessions(random.fork('sessions')),
  };
}

/** Mostly so few that clients find theirs evicted. */
function drawSessions(random: Random): SessionLimits | undefined {
  if (random.chance(0.5)) return undefined;
  return {
    sessionsMax: random.pick([2, 3, 4096]),
    repliesPerSession: random.pick([1, 3, 16]),
    replyBytesMax: random.pick([40, 4096]),
  };
}
