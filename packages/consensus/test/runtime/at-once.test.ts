import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AccessFlags, shmDevice, type Context } from '@mu-smr/verbs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_TUNING } from '../../src/limits.ts';
import { oneThreadGroup, type OneThreadMember } from '../../src/runtime/one-thread-group.ts';

const GEOMETRY = { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 };

// Over shared memory a write is over when it was carried out: a proposal needs no completions.
describe('a command that is replicated at once', () => {
  let directory = '';
  let context: Context;
  let nowUs: number;
  let applied: string[][];
  let members: OneThreadMember<number>[];
  let leader: OneThreadMember<number>;
  let followers: OneThreadMember<number>[];

  beforeEach(() => {
    directory = mkdtempSync('/dev/shm/mu-at-once-');
    context = shmDevice({ fabric: join(directory, 'fabric') }).open();
    nowUs = 1e6 + 0.5;
    applied = [[], [], []];
    members = oneThreadGroup({
      contexts: [context, context, context],
      geometry: GEOMETRY,
      tuning: { ...DEFAULT_TUNING, proposeDeadlineMs: 10 },
      nowUs: () => nowUs,
      stateMachine: (self) => ({
        apply: (command) => {
          // A Buffer that was proposed is none here, as it is none at the followers.
          expect(Object.getPrototypeOf(command)).toBe(Uint8Array.prototype);
          return applied[self].push(Buffer.from(command).toString());
        },
        snapshot: () => [],
        restore: () => Promise.resolve(),
      }),
    });
    tickUntil(() => members.some(({ replication }) => replication.leading));
    leader = members.find(({ replication }) => replication.leading) as OneThreadMember<number>;
    followers = members.filter((member) => member !== leader);
    // What the take-over left to be announced is announced.
    for (let n = 0; n < 50; n++) tick();
  });
  afterEach(() => {
    context.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function tick(): void {
    nowUs += DEFAULT_TUNING.tickUs;
    for (const { background, replication } of members) {
      background.step(nowUs);
      replication.step();
    }
  }
  function tickUntil(done: () => boolean): void {
    for (let ticks = 0; !done(); ticks++) {
      expect(ticks).toBeLessThan(5000);
      tick();
    }
  }
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  const refuseLeader = (member: OneThreadMember<number>): void => {
    member.incoming(leader.id).modifyAccess(AccessFlags.remoteRead);
  };

  // Protocol, step 7: a leader that goes idle says what is decided, also where its caller only polls.
  it('announces nothing while commands follow each other, and the last one when they end', () => {
    const known = (): number => followers[0].replication.replayer.known;
    const { replication } = leader;
    for (let n = 0; n < 600; n++) {
      replication.proposeSync(bytes('x'));
      replication.sync.takeResult();
    }
    for (const follower of followers) for (let n = 0; n < 3; n++) follower.replication.step();
    expect(known()).toBeLessThan(replication.fastPath.decided);
    for (let n = 0; n < 512; n++) replication.poll();
    for (const follower of followers) follower.replication.step();
    expect(known()).toBe(replication.fastPath.decided);
  });

  // One step learns from no more than 512 entries, and a follower that waits is woken milliseconds later.
  it('keeps a follower busy until it has read all that came, however much that is', () => {
    for (let n = 0; n < 700; n++) {
      leader.replication.proposeSync(bytes('x'));
      leader.replication.sync.takeResult();
    }
    for (const { id, replication } of followers) {
      let steps = 0;
      do replication.step();
      while (replication.busy && ++steps < 10);
      // How far the last one is decided comes with what follows it.
      expect(applied[id].length).toBeGreaterThanOrEqual(699);
      expect(replication.busy).toBe(false);
    }
  });

  it('is decided and applied when the post returns, and by the followers after it', () => {
    const { replication } = leader;
    for (const text of ['a', 'bc', 'a longer one'.repeat(40)]) {
      const { tail } = replication.fastPath;
      expect(replication.proposeSync(bytes(text))).toBe(true);
      expect(replication.sync.at).toBe(tail);
      expect(replication.sync.done).toBe(true);
      expect(replication.sync.takeResult()).toBe(applied[leader.id].length);
      expect(replication.replayer.applied).toBe(replication.fastPath.tail);
      expect(replication.fastPath.outstanding).toBe(0);
    }
    tickUntil(() => followers.every(({ id }) => applied[id].length === 3));
    expect(applied[followers[0].id]).toEqual(applied[leader.id]);
    expect(applied[followers[1].id]).toEqual(applied[leader.id]);
  });

  it('goes on over the end of the ring', () => {
    const text = 'x'.repeat(1000);
    for (let n = 0; n < 200; n++) {
      expect(leader.direct.propose(bytes(`${text}${n}`))).toMatchObject({
        kind: 'decided',
        result: n + 1,
      });
      tick();
    }
    tickUntil(() => followers.every(({ id }) => applied[id].length === 200));
    expect(applied[followers[0].id]).toEqual(applied[leader.id]);
  });

  // "I16: after its first permission error a leader issues no success and no read in that epoch."
  it('is no success once one follower has refused it, also where a majority has it', () => {
    refuseLeader(followers[0]);
    const { replication } = leader;
    expect(replication.proposeSync(bytes('refused'))).toBe(true);
    expect(replication.sync.done).toBe(false);
    expect(applied[leader.id]).toEqual([]);
    replication.poll();
    expect(replication.leading).toBe(false);
    expect(replication.sync.done).toBe(false);
  });

  it('ends as unknown then', () => {
    refuseLeader(followers[1]);
    expect(leader.direct.propose(bytes('refused'))).toEqual({
      kind: 'unknown',
      reason: 'lostPermission',
    });
  });

  it('is decided by the rest when a follower is dead, and the next one at once again', () => {
    followers[0].close();
    members = members.filter((member) => member !== followers[0]);
    expect(leader.direct.propose(bytes('one'))).toMatchObject({ kind: 'decided', result: 1 });
    expect(leader.replication.fastPath.active).toHaveLength(2);
    expect(leader.replication.proposeSync(bytes('two'))).toBe(true);
    expect(leader.replication.sync.done).toBe(true);
    expect(applied[leader.id]).toEqual(['one', 'two']);
  });

  it('waits its turn behind what is queued', () => {
    const outcomes: unknown[] = [];
    leader.replication.submit({
      command: bytes('queued'),
      withdrawn: false,
      posted: false,
      settle: (outcome) => outcomes.push(outcome),
    });
    expect(leader.replication.proposeSync(bytes('direct'))).toBe(false);
    expect(leader.direct.propose(bytes('direct'))).toMatchObject({ kind: 'decided', result: 2 });
    expect(applied[leader.id]).toEqual(['queued', 'direct']);
    expect(outcomes).toMatchObject([{ kind: 'decided', result: 1 }]);
  });
});
