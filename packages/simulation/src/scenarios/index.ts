export { stateThatGoesAstray } from './astray.ts';
export {
  delayedWriteOfAnOldEpoch,
  entryThatWaitedForItsDoorbell,
  followerThatWasAnothersInBetween,
  granterThatHasNotReadItsLog,
} from './old-epochs.ts';
export { logThatIsOpenedAnew } from './opened-anew.ts';
export { slotReadWhileAnotherLeaderWritesIt } from './stale-reads.ts';
