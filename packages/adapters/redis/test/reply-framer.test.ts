import fc from 'fast-check';
import RedisParser from 'redis-parser';
import { describe, expect, it } from 'vitest';
import { ReplyFramer } from '../src/resp/reply-framer.js';

function frame(pieces: readonly Buffer[]): string[] {
  const replies: string[] = [];
  const framer = new ReplyFramer((reply) => replies.push(reply.toString('latin1')));
  for (const piece of pieces) framer.push(piece);
  return replies;
}

const line = fc.string({ unit: fc.constantFrom('a', '1', '-', ' ', '$', '*') });
const bulk = fc.string({ unit: 'binary' }).map((text) => {
  const bytes = Buffer.from(text);
  return `$${bytes.length}\r\n${bytes.toString('latin1')}\r\n`;
});
const scalar2 = fc.oneof(
  line.map((text) => `+${text}\r\n`),
  line.map((text) => `-E${text}\r\n`),
  fc.integer().map((value) => `:${value}\r\n`),
  fc.constantFrom('$-1\r\n', '*-1\r\n', '$0\r\n\r\n', '*0\r\n'),
  bulk,
);
const { reply2 } = fc.letrec<{ reply2: string }>((tie) => ({
  reply2: fc.oneof(
    { depthSize: 'small' },
    scalar2,
    fc
      .array(tie('reply2'), { maxLength: 4 })
      .map((items) => `*${items.length}\r\n${items.join('')}`),
  ),
}));
const scalar3 = fc.oneof(
  scalar2,
  fc.constantFrom(
    '_\r\n',
    '#t\r\n',
    '#f\r\n',
    ',1.5\r\n',
    ',inf\r\n',
    '(123456789012345678901\r\n',
  ),
  fc.constantFrom('=8\r\ntxt:abcd\r\n', '!5\r\nERR a\r\n'),
);
const { reply3 } = fc.letrec<{ reply3: string }>((tie) => {
  const many = (mark: string, each: number) =>
    fc.array(tie('reply3'), { maxLength: 3 }).map((items) => {
      const values = items.flatMap((item) => Array.from({ length: each }, () => item));
      return `${mark}${items.length}\r\n${values.join('')}`;
    });
  const attribute = fc.tuple(many('|', 2), tie('reply3')).map((parts) => parts.join(''));
  return {
    reply3: fc.oneof({ depthSize: 'small' }, scalar3, many('*', 1), many('~', 1), many('>', 1), many('%', 2), attribute), // prettier-ignore
  };
});

describe('ReplyFramer', () => {
  it('finds each RESP3 reply however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(reply3), fc.nat(7), (replies, size) => {
        const bytes = Buffer.from(replies.join(''), 'latin1');
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size + 1)
          pieces.push(bytes.subarray(at, at + size + 1));
        expect(frame(pieces)).toEqual(replies);
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with redis-parser on where RESP2 replies end', () => {
    fc.assert(
      fc.property(fc.array(reply2), (replies) => {
        const bytes = Buffer.from(replies.join(''), 'latin1');
        const decoded: unknown[] = [];
        const count = (value: unknown) => decoded.push(value);
        new RedisParser({
          returnReply: count,
          returnError: count,
          returnFatalError: count,
        }).execute(bytes);
        expect(frame([bytes]).length).toBe(decoded.length);
      }),
    );
  });

  it('refuses what is no RESP', () => {
    expect(() => frame([Buffer.from('HTTP/1.1 400\r\n')])).toThrow(
      'a reply cannot begin with byte 72',
    );
  });
});
