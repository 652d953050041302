import {
  RedisBackend,
  RedisFrontEnd,
  RedisStateMachine,
  UnreplicatedProposer,
} from '@mu-smr/adapter-redis';

/** The adapter without replication, in a process of its own: the baseline of `mu bench redis`. */
const backend = await RedisBackend.start({ directory: process.argv[2] });
const stateMachine = new RedisStateMachine(backend);
const replica = new UnreplicatedProposer(stateMachine);
const frontEnd = await RedisFrontEnd.listen({ replica, stateMachine });
process.once('SIGTERM', () => {
  void frontEnd.close().then(() => backend.close());
});
console.log(`ready at port ${frontEnd.port}`);
