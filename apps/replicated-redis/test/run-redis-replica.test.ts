import { once } from 'node:events';
import { connect } from 'node:net';
import {
  UnreplicatedProposer,
  type ApplyResult,
  type RedisStateMachine,
} from '@mu-smr/adapter-redis';
import { describe, expect, it } from 'vitest';
import { parseClusterConfig, runRedisReplica } from '../src/index.js';

const CONFIG = {
  name: 'test',
  fabric: `/dev/shm/mu-run-${process.pid}`,
  secret: 'sixteen characters',
  application: 'redis',
  replicas: [{ id: 0, client: '127.0.0.1:0' }],
  log: { capacityBytes: 1024 * 1024 },
};

class Alone extends UnreplicatedProposer<ApplyResult> {
  closed = false;
  async start(): Promise<void> {}
  async close(): Promise<void> {
    this.closed = true;
  }
}

const alone = (_config: unknown, _id: number, stateMachine: RedisStateMachine) =>
  new Alone(stateMachine);

async function ask(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${line}\r\n`);
  const [reply] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return reply.toString();
}

describe('runRedisReplica', () => {
  it('serves clients until it is closed', async () => {
    const running = await runRedisReplica({
      config: parseClusterConfig(CONFIG),
      id: 0,
      createReplica: alone,
    });
    expect(await ask(running.clientPort, 'SET k v')).toBe('+OK\r\n');
    await running.close();
    await expect(ask(running.clientPort, 'PING')).rejects.toThrow('ECONNREFUSED');
    expect(running.replica.closed).toBe(true);
  });

  it('closes itself and says why when its redis-server dies', async () => {
    let stateMachine: RedisStateMachine | undefined;
    const running = await runRedisReplica({
      config: parseClusterConfig(CONFIG),
      id: 0,
      createReplica: (config, id, machine) => alone(config, id, (stateMachine = machine)),
    });
    process.kill(stateMachine!.backend.pid!, 'SIGKILL');
    expect(await running.failed).toBeInstanceOf(Error);
    expect(running.replica.closed).toBe(true);
  });

  it('leaves nothing behind when it cannot start', async () => {
    const createReplica = () => {
      throw new Error('no fabric');
    };
    const started = runRedisReplica({ config: parseClusterConfig(CONFIG), id: 0, createReplica });
    await expect(started).rejects.toThrow('no fabric');
  });

  it('refuses an id that the configuration does not have', async () => {
    const started = runRedisReplica({
      config: parseClusterConfig(CONFIG),
      id: 7,
      createReplica: alone,
    });
    await expect(started).rejects.toMatchObject({ code: 'CLUSTER_CONFIG' });
  });
});

describe('parseClusterConfig', () => {
  const faults: [string, object, string][] = [
    [
      'an address without a port',
      { replicas: [{ id: 0, client: 'localhost' }] },
      'replicas.0.client: must be host:port',
    ],
    [
      'two replicas of one id',
      { replicas: [CONFIG.replicas[0], CONFIG.replicas[0]] },
      'replicas: ids must be 0, 1, 2 and so on, in this order',
    ],
    ['a short secret', { secret: 'short' }, 'secret: must have at least 16 characters'],
    ['a field it does not know', { colour: 'red' }, 'colour'],
  ];
  for (const [name, change, problem] of faults) {
    it(`refuses ${name}`, () => {
      expect(() => parseClusterConfig({ ...CONFIG, ...change })).toThrow(problem);
    });
  }
});
