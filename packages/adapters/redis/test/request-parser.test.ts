import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Request } from '../src/resp/request.js';
import { RequestParser } from '../src/resp/request-parser.js';

const LIMITS = { bulkBytesMax: 1024 * 1024, commandBytesMax: 256 * 1024 };

function parse(pieces: readonly Buffer[], limits = LIMITS): string[] {
  const parser = new RequestParser(limits);
  const seen: string[] = [];
  for (const piece of pieces) {
    parser.push(piece);
    for (let next = parser.next(); next !== undefined; next = parser.next()) {
      if (!('kind' in next)) seen.push(JSON.stringify(args(next)));
      else seen.push(next.kind === 'oversized' ? 'oversized' : next.message);
    }
  }
  return seen;
}

function args(request: Request): string[] {
  return Array.from({ length: request.argc }, (_, index) => request.text(index));
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((each) => each % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let start = 0;
  for (const place of [...places, bytes.length]) {
    pieces.push(bytes.subarray(start, place));
    start = place;
  }
  return pieces;
}

const command = fc.array(
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  {
    minLength: 1,
    maxLength: 6,
  },
);

describe('RequestParser', () => {
  it('gives the same commands however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(command), fc.array(fc.nat()), (commands, cuts) => {
        const bytes = Buffer.concat(commands.map((each) => Request.of(...each).raw));
        const expected = commands.map((each) =>
          JSON.stringify(each.map((arg) => arg.toString('latin1'))),
        );
        expect(parse(cut(bytes, cuts))).toEqual(expected);
      }),
    );
  });

  it('gives the same commands and errors byte by byte as at once, for any bytes', () => {
    const noise = fc.string({
      unit: fc.constantFrom(
        '*',
        '$',
        '1',
        '2',
        '0',
        '-',
        '\r\n',
        '\n',
        'a',
        ' ',
        '"',
        "'",
        '\\',
        '\0',
      ),
      maxLength: 60,
    });
    fc.assert(
      fc.property(noise, (text) => {
        const bytes = Buffer.from(text, 'latin1');
        const bytewise = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
        expect(parse(bytewise)).toEqual(parse([bytes]));
      }),
      { numRuns: 1000 },
    );
  });

  it('passes a command that is too large without keeping it, and goes on behind it', () => {
    const large = Request.of('SET', 'key', 'x'.repeat(1000)).raw;
    const bytes = Buffer.concat([large, Request.of('PING').raw]);
    const limits = { bulkBytesMax: 4096, commandBytesMax: 200 };
    for (let size = 1; size < 80; size++) {
      const pieces = cut(
        bytes,
        Array.from({ length: 40 }, (_, index) => index * size),
      );
      expect(parse(pieces, limits)).toEqual(['oversized', '["PING"]']);
    }
  });

  it('holds no more than the limit of a command that is too large', () => {
    const parser = new RequestParser({ bulkBytesMax: 1 << 30, commandBytesMax: 1000 });
    parser.push(Buffer.from('*2\r\n$3\r\nGET\r\n$1000000000\r\n'));
    for (let count = 0; count < 100; count++) {
      parser.push(Buffer.alloc(64 * 1024));
      expect(parser.next()).toBeUndefined();
      expect(parser.pendingBytes).toBeLessThanOrEqual(1000);
    }
  });

  it('finds in a log entry the arguments it put there', () => {
    fc.assert(
      fc.property(command, (each) => {
        const request = Request.of(...each);
        expect(args(Request.parse(request.raw))).toEqual(args(request));
      }),
    );
  });

  it('survives commands with any bytes put into them, and holds no more than its limit', () => {
    const limits = { bulkBytesMax: 4096, commandBytesMax: 512 };
    const damage = fc.record({
      at: fc.nat(),
      by: fc.uint8Array({ maxLength: 12 }),
      gone: fc.nat(12),
    });
    let errors = 0;
    fc.assert(
      fc.property(
        fc.array(command),
        damage,
        fc.array(fc.nat()),
        (commands, { at, by, gone }, cuts) => {
          const whole = Buffer.concat(commands.map((each) => Request.of(...each).raw));
          const place = at % (whole.length + 1);
          const bytes = Buffer.concat([whole.subarray(0, place), by, whole.subarray(place + gone)]);
          const parser = new RequestParser(limits);
          let failed = false;
          for (const piece of cut(bytes, cuts)) {
            parser.push(piece);
            for (let next = parser.next(); next !== undefined; next = parser.next()) {
              // The connection is closed then: nothing behind it may be taken for a command.
              expect(failed).toBe(false);
              if (!('kind' in next))
                expect(next.raw.length).toBeLessThanOrEqual(limits.commandBytesMax);
              else if (next.kind === 'protocolError') failed = true;
            }
          }
          if (failed) errors++;
        },
      ),
      { numRuns: 2000 },
    );
    expect(errors).toBeGreaterThan(100);
  });
});
