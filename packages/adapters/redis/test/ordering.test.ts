import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient } from './support/raw-client.js';
import { startSingle, type Single } from './support/redis.js';

describe('order of replies', () => {
  let single: Single;
  beforeAll(async () => {
    single = await startSingle();
  });
  afterAll(() => single[Symbol.asyncDispose]());

  it('a pipeline sees its own writes, each read in its place', async () => {
    const client = new RawClient(single.port);
    client.send(
      'GET a\r\nSET a 1\r\nGET a\r\nPING\r\nINCR a\r\nGET a\r\nSADD s x\r\nSPOP s\r\nSCARD s\r\nTTL a\r\n',
    );
    const replies = [
      '$-1',
      '+OK',
      '$1\r\n1',
      '+PONG',
      ':2',
      '$1\r\n2',
      ':1',
      '$1\r\nx',
      ':0',
      ':-1',
    ];
    for (const reply of replies) expect(await client.next()).toBe(`${reply}\r\n`);
    client.close();
  });

  it('executes nothing behind QUIT', async () => {
    const client = new RawClient(single.port);
    client.send('SET q 1\r\nQUIT\r\nSET q 2\r\n');
    expect(await client.next()).toBe('+OK\r\n');
    expect(await client.next()).toBe('+OK\r\n');
    expect(await client.next()).toBe('closed');
    const other = new RawClient(single.port);
    expect(await other.ask('GET q')).toBe('$1\r\n1\r\n');
    other.close();
  });

  it('holds when a pipeline is cut between turns', async () => {
    const client = new RawClient(single.port);
    for (let count = 0; count < 200; count++) {
      client.send(`SET b ${count}\r\n`);
      if (count % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      client.send('GET b\r\n');
    }
    for (let count = 0; count < 200; count++) {
      expect(await client.next()).toBe('+OK\r\n');
      expect(await client.next()).toBe(`$${String(count).length}\r\n${count}\r\n`);
    }
    client.close();
  });

  it('clients of both protocols get their own, side by side', async () => {
    const [two, three] = [new RawClient(single.port), new RawClient(single.port)];
    await three.ask('HELLO 3');
    await two.ask('HSET h f v');
    for (let count = 0; count < 50; count++) {
      two.send('HGETALL h\r\n');
      three.send('HGETALL h\r\n');
      const [flat, map] = await Promise.all([two.next(), three.next()]);
      expect([flat, map]).toEqual(['*2\r\n$1\r\nf\r\n$1\r\nv\r\n', '%1\r\n$1\r\nf\r\n$1\r\nv\r\n']);
    }
    two.close();
    three.close();
  });

  it('pops of many clients never take the same member', async () => {
    const clients = Array.from({ length: 8 }, () => new RawClient(single.port));
    const members = Array.from({ length: 400 }, (_, index) => `m${index}`);
    await clients[0].ask(`SADD pool ${members.join(' ')}`);
    const popped: string[] = [];
    await Promise.all(
      clients.map(async (client) => {
        for (let count = 0; count < 50; count++)
          popped.push((await client.ask('SPOP pool')).split('\r\n')[1]);
      }),
    );
    expect(popped.sort()).toEqual(members.sort());
    expect(await clients[0].ask('EXISTS pool')).toBe(':0\r\n');
    for (const client of clients) client.close();
  });

  it('a transaction is one piece among the writes of others', async () => {
    const [first, second] = [new RawClient(single.port), new RawClient(single.port)];
    for (let count = 0; count < 100; count++) {
      first.send('MULTI\r\nINCR c\r\nGET c\r\nEXEC\r\n');
      second.send('INCR c\r\n');
      for (let reply = 0; reply < 3; reply++) await first.next();
      const [, value, , text] = (await first.next()).split('\r\n');
      expect(`:${text}`).toBe(value);
      await second.next();
    }
    first.close();
    second.close();
  });
});
