import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawClient } from './support/raw-client.js';
import { startSingle, type Single } from './support/redis.js';

describe('hostile clients', () => {
  let single: Single;
  let bystander: RawClient;

  beforeEach(async () => {
    single = await startSingle({ outputBytesMax: 8 * 1024 * 1024, maxClients: 4 });
    bystander = new RawClient(single.port);
  });
  afterEach(async () => {
    expect(await bystander.ask('ECHO alive')).toBe('$5\r\nalive\r\n');
    bystander.close();
    await single[Symbol.asyncDispose]();
  });

  it('may send half a request and go', async () => {
    const client = new RawClient(single.port);
    client.send('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nval');
    await once(client.socket, 'connect');
    client.socket.end();
    await client.closed;
    expect(await bystander.ask('EXISTS k')).toBe(':0\r\n');
  });

  it('may close before the replies come', async () => {
    const client = new RawClient(single.port);
    for (let count = 0; count < 1000; count++) client.send('INCR n\r\n');
    await once(client.socket, 'connect');
    client.socket.resetAndDestroy();
    await client.closed;
    await expect.poll(() => single.frontEnd.clientCount).toBe(1);
  });

  it('is stopped from asking while it does not read, and cut off beyond the limit', async () => {
    await bystander.ask(`SET big ${'x'.repeat(60_000)}`);
    const client = new RawClient(single.port);
    client.socket.pause();
    // A thousand replies of 60 kB are far more than may pile up.
    client.send('GET big\r\n'.repeat(1000));
    await once(client.socket, 'connect');
    await expect.poll(() => single.frontEnd.clientCount).toBe(1);
    client.close();
  });

  it('is not read while its replies pile up', async () => {
    await bystander.ask(`SET big ${'x'.repeat(1000)}`);
    const client = new RawClient(single.port);
    client.socket.pause();
    client.send('GET big\r\n'.repeat(2_000_000));
    let unsent = -1;
    const settled = async () => {
      const before = unsent;
      for (let count = 0; count < 50; count++) await bystander.ask('PING');
      unsent = client.socket.writableLength;
      return before === unsent;
    };
    await expect.poll(settled).toBe(true);
    expect(unsent).toBeGreaterThan(0);
    expect(single.frontEnd.clientCount).toBe(2);
    client.close();
  });

  it('gets an error for a command beyond the entry limit, and nothing is lost', async () => {
    const client = new RawClient(single.port);
    const value = 'x'.repeat(300_000);
    client.send(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n${value}\r\nPING\r\n`);
    expect(await client.next()).toMatch(
      /^-ERR command exceeds the log entry limit of \d+ bytes\r\n$/,
    );
    expect(await client.next()).toBe('+PONG\r\n');
    expect(await client.ask('EXISTS k')).toBe(':0\r\n');
    client.close();
  });

  it('cannot grow a transaction beyond the entry limit', async () => {
    const client = new RawClient(single.port);
    await client.ask('MULTI');
    for (let count = 0; count < 4; count++)
      expect(await client.ask(`SET k ${'x'.repeat(60_000)}`)).toBe('+QUEUED\r\n');
    expect(await client.ask(`SET k ${'x'.repeat(60_000)}`)).toMatch(/^-ERR command exceeds/);
    expect(await client.ask('EXEC')).toMatch(/^-EXECABORT/);
    expect(await client.ask('EXISTS k')).toBe(':0\r\n');
    client.close();
  });

  it('splits a turn larger than an entry over several, in order', async () => {
    const client = new RawClient(single.port);
    const value = 'x'.repeat(50_000);
    for (let count = 0; count < 20; count++)
      client.send(`SET k${count} ${value}\r\nSTRLEN k${count}\r\n`);
    for (let count = 0; count < 20; count++) {
      expect(await client.next()).toBe('+OK\r\n');
      expect(await client.next()).toBe(':50000\r\n');
    }
    client.close();
  });

  it('is refused beyond the number of clients', async () => {
    const others = [1, 2, 3].map(() => new RawClient(single.port));
    for (const other of others) await other.ask('PING');
    const last = new RawClient(single.port);
    expect(await last.next()).toBe('-ERR max number of clients reached\r\n');
    expect(await last.next()).toBe('closed');
    for (const other of others) other.close();
  });
});
