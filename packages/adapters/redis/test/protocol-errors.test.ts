import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BareRedis } from './support/bare-redis.js';
import { startBareRedis } from './support/bare-redis.js';
import { RawClient } from './support/raw-client.js';
import { startSingle, type Single } from './support/redis.js';

/** Everything a server answers to some bytes, up to a PING that it may not live to answer. */
async function answers(target: number | string, bytes: string): Promise<string[]> {
  const client = new RawClient(target);
  // In one write, read to its end before the error: a close with unread bytes may lose the answer.
  client.send(`${bytes}\r\nPING end\r\n`);
  const seen: string[] = [];
  for (let reply = await client.next(); ; reply = await client.next()) {
    seen.push(reply);
    if (reply === 'closed' || reply.includes('end\r\n')) break;
  }
  client.close();
  return seen;
}

const MALFORMED: Record<string, string> = {
  'count that is no number': '*abc\r\n',
  'count above the limit': '*2147483648\r\n',
  'count of a million and one, then no length': '*1048577\r\n$x\r\n',
  'count with a leading zero': '*01\r\n$4\r\nPING\r\n',
  'negative count': '*-5\r\nPING\r\n',
  'empty command': '*0\r\nPING\r\n',
  'count line without end': `*${'1'.repeat(66_000)}`,
  'length line without end': `*1\r\n$${'1'.repeat(66_000)}`,
  'no dollar': '*1\r\nPING\r\n',
  'colon for a dollar': '*1\r\n:4\r\n',
  'negative length': '*1\r\n$-1\r\n',
  'length that is no number': '*1\r\n$four\r\n',
  'length above the limit': '*2\r\n$3\r\nGET\r\n$1048577\r\n',
  'length beyond 64 bits': '*1\r\n$99999999999999999999\r\n',
  'inline without end': 'a'.repeat(66_000),
  'inline with an open quote': 'SET key "value\r\n',
  'inline with text behind a quote': 'SET "a"b c\r\n',
  'inline with an open single quote': "GET 'key\r\n",
  'inline escapes': 'ECHO "\\x41\\n\\t\\q\\""\r\n',
  'inline single quotes': "ECHO 'it\\'s'\r\n",
  'inline of spaces': '   \r\n',
  'unknown command': 'FOO bar "b a z"\r\n',
  'unknown subcommand': 'CLIENT FOO bar\r\n',
  'wrong number of arguments': 'GET\r\n',
  'wrong number of arguments of a subcommand': 'CLIENT SETNAME\r\n',
  'command by mixed case': 'pInG\r\n',
  'request over HTTP': 'POST / HTTP/1.1\r\nHost: localhost\r\n\r\n',
};

describe('malformed input is answered as redis-server answers it', () => {
  let bare: BareRedis;
  let single: Single;

  beforeAll(async () => {
    bare = await startBareRedis('proto-max-bulk-len 1048576');
    single = await startSingle();
  });
  afterAll(async () => {
    await bare.close();
    await single[Symbol.asyncDispose]();
  });

  for (const [name, bytes] of Object.entries(MALFORMED)) {
    it(name, async () => {
      expect(await answers(single.port, bytes)).toEqual(await answers(bare.socketPath, bytes));
    });
  }
});
