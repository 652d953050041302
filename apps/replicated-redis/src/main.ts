// One replica of a replicated Redis: node dist/main.js --config cluster.json --id 0
import { parseArgs } from 'node:util';
import { readClusterConfig } from './cluster-config.js';
import { runRedisReplica } from './run-redis-replica.js';

const { values } = parseArgs({ options: { config: { type: 'string' }, id: { type: 'string' } } });
if (values.config === undefined || !/^\d+$/.test(values.id ?? '')) {
  console.error('usage: main.js --config cluster.json --id N');
  process.exit(2);
}

try {
  const id = Number(values.id);
  const running = await runRedisReplica({ config: await readClusterConfig(values.config), id });
  console.log(`replica ${id} serves Redis clients at port ${running.clientPort}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void running.close());
  }
  void running.failed.then((error) => {
    console.error(`replica ${id} has stopped: ${error.message}`);
    process.exitCode = 1;
  });
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
