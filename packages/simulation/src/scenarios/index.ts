export { stateThatGoesAstray } from './astray.ts';
export {
  delayedWriteOfAnOldEpoch,
  entryThatWaitedForItsDoorbell,
  followerThatWasAnothersInBetween,
  granterThatHasNotReadItsLog,
} from './old-epochs.ts';
export { slotReadWhileAnotherLeaderWritesIt } from './stale-reads.ts';
