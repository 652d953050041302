import { describe, expect, it } from 'vitest';
import {
  delayedWriteOfAnOldEpoch,
  entryThatWaitedForItsDoorbell,
  followerThatWasAnothersInBetween,
  granterThatHasNotReadItsLog,
  logThatIsOpenedAnew,
  slotReadWhileAnotherLeaderWritesIt,
} from '../../src/scenarios/index.ts';

// protocol.md, "Faults to inject": a delayed write of an old epoch; two candidates at once; stale leader.
describe('what an old epoch leaves behind', () => {
  it('a write that is under way does not land in the next one', () => {
    expect(delayedWriteOfAnOldEpoch).not.toThrow();
  });

  it('an entry that waited for its doorbell is not carried by the next one', () => {
    expect(entryThatWaitedForItsDoorbell).not.toThrow();
  });

  it('a follower that was another leader’s in between ends the epoch', () => {
    expect(followerThatWasAnothersInBetween).not.toThrow();
  });

  it('a granter that has not read its log acknowledges all that it holds', () => {
    expect(granterThatHasNotReadItsLog).not.toThrow();
  });

  it('a log that is opened anew keeps what it accepted', () => {
    expect(logThatIsOpenedAnew).not.toThrow();
  });

  it('a slot that another leader is writing is not taken for empty', () => {
    expect(slotReadWhileAnotherLeaderWritesIt).not.toThrow();
  });
});
