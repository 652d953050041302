import { readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { command, Journal, lonelyReplica, temporaryFabric, TestGroup } from './group.ts';

describe('Replica', () => {
  it('decides a command and applies it at every replica, also when nothing more comes', async () => {
    // Mu, section 4: when the leader goes idle it announces what was decided.
    await using group = await TestGroup.start(3);
    await group.decide('one');
    await vi.waitFor(() => {
      for (const { applied } of group.journals) expect(applied).toEqual(['one']);
    });
  });

  it('puts proposals of one turn into one entry, in order', async () => {
    await using group = await TestGroup.start(3);
    await group.decide('first');
    const leader = await group.leader();
    const outcomes = await Promise.all(
      ['a', 'b', 'c'].map((text) => leader.propose(command(text))),
    );
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['decided', 'decided', 'decided']);
    expect(new Set(outcomes.map((outcome) => 'at' in outcome && outcome.at)).size).toBe(1);
    expect(outcomes.map((outcome) => 'result' in outcome && outcome.result)).toEqual([2, 3, 4]);
  });

  it('answers notLeader at a follower, and names the leader', async () => {
    await using group = await TestGroup.start(3);
    await group.decide('settled');
    const leader = await group.leader();
    const follower = group.replicas.find((replica) => !replica.isLeader);
    await vi.waitFor(() => expect(follower?.leader).toBe(leader.id));
    expect(await follower?.propose(command('x'))).toEqual({ kind: 'notLeader', leader: leader.id });
    expect(follower?.proposeSync(command('x')).kind).toBe('notLeader');
    expect((await follower?.readBarrier())?.kind).toBe('notLeader');
  });

  it('proposes without a promise, and pipelines in direct mode', async () => {
    await using group = await TestGroup.start(3);
    await group.decide('settled');
    const leader = await group.leader();
    expect(leader.proposeSync(command('sync'))).toMatchObject({ kind: 'decided', result: 2 });
    const at = leader.postSync([command('p'), command('q')]);
    expect(at).toBeDefined();
    while ((leader.pollSync() ?? Infinity) <= (at ?? 0));
    expect(group.journals[leader.id].applied.slice(-2)).toEqual(['p', 'q']);
  });

  it('proves its permission for a read, many callers with one proof', async () => {
    await using group = await TestGroup.start(3);
    await group.decide('settled');
    const leader = await group.leader();
    const before = leader.status().counters.readProofs;
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => leader.readBarrier()));
    expect(outcomes.every((outcome) => outcome.kind === 'current')).toBe(true);
    expect(leader.status().counters.readProofs).toBeGreaterThan(before);
  });

  it('rejects a command that is too large, and one whose signal is aborted', async () => {
    await using group = await TestGroup.start(1, {
      geometry: { capacityBytes: 65_536, payloadBytesMax: 1000, windowBytes: 8192 },
    });
    await group.decide('settled');
    const leader = await group.leader();
    const large = new Uint8Array(1001);
    expect(await leader.propose(large)).toEqual({ kind: 'rejected', reason: 'tooLarge' });
    expect(leader.proposeSync(large)).toEqual({ kind: 'rejected', reason: 'tooLarge' });
    const signal = AbortSignal.abort();
    expect(await leader.propose(command('x'), { signal })).toEqual({
      kind: 'rejected',
      reason: 'aborted',
    });
  });

  it('wraps a small ring many times without a pause of its own', async () => {
    // I14, and defects 4 and 5 of the published code: recycling on the fast path, continuous.
    await using group = await TestGroup.start(3, {
      geometry: { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 },
    });
    const commands = (65_536 / 1024) * 40;
    for (let n = 0; n < commands; n++) await group.decide(`${n}`.padEnd(900, '.'));
    await vi.waitFor(() => {
      for (const { applied } of group.journals) expect(applied.length).toBe(commands);
    });
    expect(group.journals[1].applied).toEqual(group.journals[0].applied);
    expect(group.journals[2].applied).toEqual(group.journals[0].applied);
  }, 60_000);

  it('goes on without a follower that closed, over several wraps of the ring', async () => {
    // Defect 1 of the published code: a dead follower stops the group.
    await using group = await TestGroup.start(3, {
      geometry: { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 },
    });
    await group.decide('settled');
    const leader = await group.leader();
    const gone = group.replicas.find((replica) => replica !== leader);
    await gone?.close();
    for (let n = 0; n < 300; n++) await group.decide(`${n}`.padEnd(900, '.'));
    expect((await group.leader()).status().tail).toBeGreaterThan(3 * 65_536);
  }, 60_000);

  it('elects another leader when the leader closes, and keeps every decided command', async () => {
    await using group = await TestGroup.start(3);
    await group.decide('kept');
    const first = await group.leader();
    await first.close();
    await group.decide('after');
    const second = await group.leader();
    expect(second).not.toBe(first);
    expect(group.journals[second.id].applied).toEqual(['kept', 'after']);
  });

  it('stops with APPLY_FAILED when the state machine throws', async () => {
    const fabric = temporaryFabric();
    const stateMachine = new (class extends Journal {
      override apply(): never {
        throw new Error('no room for this');
      }
    })();
    const replica = lonelyReplica(fabric, stateMachine);
    const failed = new Promise<Error>((resolve) => void replica.once('failed', resolve));
    await replica.start();
    await new Promise<void>((resolve) => void replica.once('role', () => resolve()));
    const outcome = await replica.propose(command('x'));
    expect(await failed).toMatchObject({ code: 'APPLY_FAILED' });
    expect(outcome).toEqual({ kind: 'unknown', reason: 'closed' });
    expect(await replica.propose(command('y'))).toEqual({ kind: 'rejected', reason: 'closed' });
    await replica.close();
    fabric.remove();
  });

  it('leaves nothing in the fabric when it closes', async () => {
    const fabric = temporaryFabric();
    const replica = lonelyReplica(fabric);
    await replica.start();
    expect(readdirSync(fabric.path).length).toBeGreaterThan(0);
    await replica.close();
    await replica.close();
    expect(() => readdirSync(fabric.path)).toThrow(/ENOENT/);
    fabric.remove();
  });
});
