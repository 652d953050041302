import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RedisFrontEnd } from '../src/index.js';
import { digest } from './support/digest.js';
import { ManualClock } from './support/manual-clock.js';
import { MirroringProposer, startFollower } from './support/mirror.js';
import { RawClient } from './support/raw-client.js';

const key = fc.constantFrom('a', 'b', 'c');
const member = fc.constantFrom('m', 'n', 'o', 'p');
const ms = fc.integer({ min: -10, max: 60 });
const command = fc.oneof(
  fc.tuple(
    fc.constantFrom('INCR', 'DEL', 'PERSIST', 'GETDEL', 'LPOP', 'SPOP', 'PFCOUNT', 'TTL', 'GET'),
    key,
  ),
  fc.tuple(
    fc.constantFrom('SADD', 'APPEND', 'LPUSH', 'RENAME', 'COPY', 'SUNIONSTORE', 'PFADD'),
    key,
    key,
  ),
  fc.tuple(fc.constant('SADD'), key, member, member),
  fc.tuple(fc.constant('SPOP'), key, fc.integer({ min: 0, max: 3 })),
  fc.tuple(fc.constant('SET'), key, member, fc.constantFrom('PX', 'EX'), ms),
  fc.tuple(fc.constant('SET'), key, member, fc.constantFrom('KEEPTTL', 'NX', 'GET')),
  fc.tuple(fc.constant('PEXPIRE'), key, ms, fc.constantFrom('NX', 'XX', 'GT', 'LT')),
  fc.tuple(fc.constant('PEXPIRE'), key, ms),
  fc.tuple(fc.constant('GETEX'), key, fc.constant('PX'), ms),
  fc.tuple(fc.constant('XADD'), key, fc.constant('*'), member, member),
  fc.tuple(fc.constantFrom('MULTI', 'EXEC', 'KEYS *', 'DBSIZE', 'FLUSHDB')),
  fc.tuple(fc.constantFrom('SELECT', 'SWAPDB 0'), fc.integer({ min: 0, max: 1 })),
  fc.tuple(fc.constant('SORT'), key, fc.constant('ALPHA STORE'), key),
);
const step = fc.oneof(
  { weight: 6, arbitrary: command.map((words) => words.join(' ')) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 30 }) },
);

describe('two replicas', () => {
  it('are equal after any commands at any times', async () => {
    const clock = new ManualClock();
    const [leader, follower] = await Promise.all([startFollower(), startFollower()]);
    const replica = new MirroringProposer(leader, follower);
    const frontEnd = await RedisFrontEnd.listen({ replica, stateMachine: leader, clock });
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
          const client = new RawClient(frontEnd.port);
          await client.ask('FLUSHALL');
          for (const each of steps) {
            if (typeof each === 'number') clock.advance(each);
            else if ((await client.ask(each)) === 'closed') throw new Error('closed');
          }
          client.close();
          expect(await digest(follower.backend)).toEqual(await digest(leader.backend));
        }),
        { numRuns: 60 },
      );
    } finally {
      await frontEnd.close();
      await Promise.all([leader.backend.close(), follower.backend.close()]);
    }
  });
});
