import { afterAll, describe, expect, it } from 'vitest';
import { descendants, Home, isAlive, until } from './support/home.ts';
import { Mu } from './support/mu.ts';

const home = new Home();
afterAll(() => home.remove());

const REPLICA = / run (redis|kv) --config /;
const replicasOf = (demo: Mu): number[] =>
  descendants(demo.pid)
    .filter(({ pid, command }) => REPLICA.test(command) && isAlive(pid))
    .map(({ pid }) => pid);

const TIMELINE = ['suspected by', 'permissions granted', 'caught up', 'first command decided'];
const TIMELINE_STEP = new RegExp(`(-?\\d+\\.\\d\\d) ms {2}(${TIMELINE.join('|')})`, 'g');

/** Watches a demonstration; `seen` fills with the processes it ever had. */
async function watch(
  demo: Mu,
  seen: Set<number>,
  ...until_: readonly ((all: number[]) => boolean)[]
) {
  for (const holds of until_)
    await until('the demonstration gets there', () => {
      for (const { pid } of descendants(demo.pid)) seen.add(pid);
      return !demo.running || holds(replicasOf(demo));
    });
}

async function expectNothingLeft(demo: Mu, seen: ReadonlySet<number>): Promise<void> {
  await until('every process ends', () => ![...seen].some(isAlive));
  expect(home.remains(demo.pid)).toEqual([]);
}

describe('mu demo --once', () => {
  it.each([
    ['redis', {}],
    ['kv, for want of redis-server', { PATH: '/nowhere' }],
  ])(
    'shows that nothing acknowledged is lost (%s), and leaves nothing',
    async (name, environment) => {
      const demo = new Mu(home, ['demo', '--once'], environment);
      const seen = new Set<number>();
      await watch(demo, seen, () => false);
      const { status, stdout, stderr } = await demo.ended;
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      if (name !== 'redis') expect(stdout).toMatch(/redis-server is not installed/);
      expect(stdout).toMatch(/killed with SIGKILL in the middle of the writes/);
      const steps = [...stdout.matchAll(TIMELINE_STEP)];
      expect(steps.map(([, , step]) => step)).toEqual(TIMELINE);
      const times = steps.map(([, ms]) => Number(ms));
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      expect(stdout).toMatch(/0 acknowledged writes missing\.\nNo acknowledged write was lost\./);
      await expectNothingLeft(demo, seen);
    },
  );
});

describe('Ctrl-C', () => {
  const moments: [string, ...((all: number[]) => boolean)[]][] = [
    ['before the replicas have found each other', (all) => all.length > 0],
    ['in the middle of the demonstration', (all) => all.length === 3, (all) => all.length === 2],
  ];
  it.each(moments)('%s ends it and leaves nothing', async (_, ...steps) => {
    const demo = new Mu(home, ['demo']);
    const seen = new Set<number>();
    await watch(demo, seen, ...steps);
    // A terminal, npm and a shell may each pass it on.
    demo.signal('SIGINT');
    const { status } = await demo.interrupt();
    expect(status).toBe(130);
    await expectNothingLeft(demo, seen);
  });

  it('ends a demonstration that goes on showing its group', async () => {
    const demo = new Mu(home, ['demo']);
    const seen = new Set<number>();
    await demo.prints(/Ctrl-C ends it/);
    await watch(demo, seen, () => true);
    expect((await demo.interrupt()).status).toBe(0);
    await expectNothingLeft(demo, seen);
  });
});
