// A counter on three replicas, each a process of its own, over shared memory.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Replica } from '@mu-smr/consensus';

const GOAL = 3;
const [id, group] = process.argv.slice(2);
if (id === undefined) await startGroup();
else await runReplica(Number(id));

async function startGroup() {
  const name = `counter-${process.pid}`;
  const replicas = [0, 1, 2].map((id) => fork(import.meta.filename, [String(id), name]));
  // Each tells when it has applied everything; only then may the first of them leave.
  const messages = await Promise.all(replicas.map((replica) => once(replica, 'message')));
  console.log(`the counter at each replica: ${messages.map(([value]) => value).join(', ')}`);
  for (const replica of replicas) replica.disconnect();
}

async function runReplica(id) {
  let value = 0;
  const stateMachine = {
    apply(command) {
      value += command[0];
      if (value === GOAL) process.send(value);
      return value;
    },
    snapshot: () => [Uint8Array.of(value)],
    async restore(chunks) {
      for await (const [saved] of chunks) value = saved;
    },
  };
  const secret = 'what only the replicas of this group know';
  const replica = new Replica({ id, replicas: 3, group, secret, stateMachine });
  process.once('disconnect', () => replica.close());
  replica.on('role', async () => {
    while (replica.isLeader && value < GOAL) {
      const outcome = await replica.propose(Uint8Array.of(1));
      if (outcome.kind === 'decided') console.log(`decided: the counter is ${outcome.result}`);
    }
  });
  await replica.start();
}
