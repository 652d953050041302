import { describe, expect, it, vi } from 'vitest';
import { lonelyReplica, temporaryFabric, TestGroup } from './group.ts';

describe('localRead', () => {
  it('tells at each replica which prefix of the log its state holds', async () => {
    await using group = await TestGroup.start(3);
    const first = await group.decide('one');
    const second = await group.decide('two');
    for (const [id, replica] of group.replicas.entries()) {
      await vi.waitFor(() => {
        const read = replica.localRead();
        expect(read.kind === 'local' && read.applied > second).toBe(true);
      });
      expect(group.journals[id].applied).toEqual(['one', 'two']);
    }
    expect(second).toBeGreaterThan(first);
  });

  it('goes on without a majority, where a barrier cannot', async () => {
    await using group = await TestGroup.start(3);
    const at = await group.decide('kept');
    const [last, ...others] = group.replicas;
    await vi.waitFor(() => expect(last.localRead()).toMatchObject({ kind: 'local' }));
    await vi.waitFor(() => expect(last.status().applied).toBeGreaterThan(at));
    for (const other of others) await other.close();
    const barrier = await last.readBarrier({ deadlineMs: 500 });
    expect(barrier.kind).not.toBe('current');
    expect(last.localRead()).toEqual({ kind: 'local', applied: last.status().applied });
    expect(group.journals[last.id].applied).toEqual(['kept']);
  });

  it('has nothing to read before there is a state, and none after the end', async () => {
    const fabric = temporaryFabric();
    const replica = lonelyReplica(fabric);
    expect(replica.localRead()).toEqual({ kind: 'rejected', reason: 'noState' });
    await replica.start();
    expect(replica.localRead()).toMatchObject({ kind: 'local' });
    await replica.close();
    expect(replica.localRead()).toEqual({ kind: 'rejected', reason: 'closed' });
    fabric.remove();
  });
});
