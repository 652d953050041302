import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shmDevice, type Context } from '@mu-smr/verbs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_TUNING } from '../../src/limits.ts';
import { oneThreadGroup, type OneThreadMember } from '../../src/runtime/one-thread-group.ts';
import { Play } from '../../src/runtime/play.ts';

const GEOMETRY = { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 };
const COMMAND = new Uint8Array(64);

describe('a thread that waits to lead', () => {
  let directory = '';
  let context: Context;
  let nowUs: number;
  let members: OneThreadMember<number>[];

  /** A group of which somebody leads, with this for practice. */
  function lead(practiceUs: number): {
    leader: OneThreadMember<number>;
    follower: typeof leader;
    practice: Play;
  } {
    const tuning = { ...DEFAULT_TUNING, proposeDeadlineMs: 10, practiceUs };
    const contexts = [context, context, context];
    const stage = { contexts, geometry: GEOMETRY, tuning, raiseReplication: () => undefined };
    members = oneThreadGroup({
      ...stage,
      nowUs: () => nowUs,
      stateMachine: () => ({
        apply: () => 0,
        snapshot: () => [],
        restore: () => Promise.resolve(),
      }),
    });
    const leads = ({ replication }: OneThreadMember<number>): boolean => replication.leading;
    for (let ticks = 0; !members.some(leads); ticks++) {
      expect(ticks).toBeLessThan(5000);
      tick(members);
    }
    for (let n = 0; n < 50; n++) tick(members);
    const leader = members.find(leads) as OneThreadMember<number>;
    const follower = members.find((member) => member !== leader) as OneThreadMember<number>;
    const practice = new Play(stage);
    follower.direct.practice = practice;
    return { leader, follower, practice };
  }

  function tick(alive: readonly OneThreadMember<number>[]): void {
    nowUs += DEFAULT_TUNING.tickUs;
    for (const { background, replication } of alive) {
      background.step(nowUs);
      replication.step();
    }
  }

  beforeEach(() => {
    directory = mkdtempSync('/dev/shm/mu-practice-');
    context = shmDevice({ fabric: join(directory, 'fabric') }).open();
    nowUs = 1e6 + 0.5;
  });
  afterEach(() => {
    context.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('goes on with the rehearsal while there is nothing to do', () => {
    const { leader, follower, practice } = lead(300);
    follower.direct.waitForLeadership(300, () => true);
    expect(practice.handOvers).toBeGreaterThan(3);
    expect([leader.replication.leading, follower.replication.leading]).toEqual([true, false]);
  });

  it('does not when it is told not to', () => {
    const { follower, practice } = lead(0);
    follower.direct.waitForLeadership(50, () => true);
    expect(practice.handOvers).toBe(0);
  });

  it('does not while it may have to take over', () => {
    const { leader, follower, practice } = lead(300);
    leader.close();
    for (let n = 0; n < 3; n++) follower.background.step((nowUs += DEFAULT_TUNING.tickUs));
    follower.direct.waitForLeadership(50, () => true);
    expect(practice.handOvers).toBe(0);
  });

  it('does not while the leader is busy', () => {
    const { leader, follower, practice } = lead(1000);
    let waits = 0;
    // More than 16 KiB between two waits of a millisecond.
    const goesOn = (): boolean => {
      for (let n = 0; n < 200; n++) expect(leader.direct.propose(COMMAND)?.kind).toBe('decided');
      for (let n = 0; n < 3; n++) tick(members);
      waits++;
      return true;
    };
    follower.direct.waitForLeadership(200, goesOn);
    expect(waits).toBeGreaterThan(20);
    expect(leader.replication.leading).toBe(true);
    expect(practice.handOvers).toBe(0);
  });
});
