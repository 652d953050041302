import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { Home } from '../support/home.ts';
import { mu, shapeOf } from '../support/mu.ts';

const home = new Home();
afterAll(() => home.remove());

describe('mu chaos --json', () => {
  it('prints every field, finds nothing, and leaves nothing', async () => {
    const { status, stdout, stderr } = await mu(
      home,
      ...['chaos', '--minutes', '0.1', '--seed', '7', '--json'],
    );
    expect(stderr).toBe('');
    const report: unknown = JSON.parse(stdout);
    expect(shapeOf(report)).toEqual({
      ...{
        seconds: 'number',
        rounds: 'number',
        kills: 'number',
        restarts: 'number',
        pauses: 'number',
        transfers: 'number',
        changes: {
          additions: 'number',
          removals: 'number',
          replacements: 'number',
          unfinished: 'number',
        },
      },
      ...{ operations: 'number', unknowns: 'number', retries: 'number', violations: 'number' },
      digestsEqual: 'boolean',
    });
    expect(report).toMatchObject({ violations: 0, digestsEqual: true, changes: { unfinished: 0 } });
    expect((report as { operations: number }).operations).toBeGreaterThan(20);
    expect(status).toBe(0);
    expect(readdirSync('/tmp').filter((name) => name.startsWith('mu-chaos-7-'))).toEqual([]);
  });
});
