// One replica as a child of a test: tells what it becomes, and where its own redis-server is.
import { createReplica, readClusterConfig, runRedisReplica } from '../../dist/index.js';

const [path, id] = process.argv.slice(2);
let backend;
const running = await runRedisReplica({
  config: await readClusterConfig(path),
  id: Number(id),
  createReplica(config, self, stateMachine) {
    ({ backend } = stateMachine);
    const replica = createReplica(config, self, stateMachine);
    replica.on('role', (role) => process.send({ kind: 'role', role }));
    return replica;
  },
});
const { socketPath, password } = backend;
process.send({ kind: 'ready', socketPath, password });
process.on('message', () => process.send({ kind: 'status', status: running.replica.status() }));
void running.failed.then((error) => {
  console.error(error);
  process.exit(1);
});
process.once('SIGTERM', () => void running.close().then(() => process.disconnect()));
process.once('disconnect', () => process.exit());
