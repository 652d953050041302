import { ClusterConfigError, parseClusterConfig } from '@mu-smr/replicated-redis';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CliError } from '../src/errors.ts';
import { parseKvConfig } from '../src/kv/run-kv-replica.ts';

const VALID = {
  name: 'group',
  fabric: '/dev/shm/group',
  secret: 'sixteen characters',
  replicas: [
    { id: 0, client: '127.0.0.1:7000' },
    { id: 1, client: '127.0.0.1:7001' },
    { id: 2, client: '127.0.0.1:7002' },
  ],
  log: { capacityBytes: 16 * 1024 * 1024 },
};
const READERS = [
  { application: 'kv', read: parseKvConfig, Refusal: CliError },
  { application: 'redis', read: parseClusterConfig, Refusal: ClusterConfigError },
] as const;

/** Every place of a value, as a list of keys. */
function places(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  const inner = Object.entries(value).flatMap(([key, each]) => places(each, [...path, key]));
  return [[...path], ...inner];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

describe.each(READERS)('cluster.json for $application', ({ application, read, Refusal }) => {
  const valid = { ...VALID, application };

  it('takes what is right', () => {
    expect(read(valid)).toMatchObject(valid);
  });

  it('refuses any other JSON with one error that says what is wrong', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => read(value)).toThrow(Refusal);
        expect(() => read(value)).toThrow(/^cluster configuration: /);
      }),
      { numRuns: 500 },
    );
  });

  it('with anything in one place, is taken as it stands or refused by the place’s name', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom(...places(valid)), fc.jsonValue(), (place, value) => {
        try {
          const config = read(replaced(valid, place, value));
          expect(config.replicas.map(({ id }) => id)).toEqual([...config.replicas.keys()]);
          expect(config.secret.length).toBeGreaterThanOrEqual(16);
          expect(Number.isInteger(config.log.capacityBytes)).toBe(true);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          refused++;
          if (place.length > 0) expect(error.message).toContain(place[0]);
        }
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});
