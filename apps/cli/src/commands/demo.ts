import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TimelineStep } from '@mu-smr/consensus';
import { Demonstration, type DemonstrationResult } from '../demo/demonstration.ts';
import { KvStoreClient, RedisStoreClient } from '../demo/store-client.ts';
import { CliError } from '../errors.ts';
import { LocalGroup } from '../group/local-group.ts';
import { showGroup } from '../group/show-group.ts';
import { interruption, unlessAborted } from '../interruption.ts';

/** `mu demo [--once]`: what `npm start` shows. */
export async function demo(options: { once?: boolean }): Promise<number> {
  const signal = interruption();
  const application = hasRedisServer() ? 'redis' : 'kv';
  if (application === 'kv')
    console.log(
      'redis-server is not installed (Debian: apt-get install redis-server): showing the same with the built-in key-value store.',
    );
  console.log(
    `Starting three replicas of ${application === 'redis' ? 'a Redis' : 'a key-value store'} on this machine …`,
  );
  const name = `demo-${process.pid}`;
  const group = await LocalGroup.start({ name, application, replicas: 3, signal });
  try {
    const connect = (address: string): RedisStoreClient | KvStoreClient =>
      application === 'redis' ? new RedisStoreClient(address) : new KvStoreClient(address);
    const shown = new Demonstration(group, connect, signal).run();
    const ok = report(await unlessAborted(shown, signal));
    group.restarts = true;
    if (options.once !== true) {
      for (const { id } of group.members) if (group.state(id) === 'dead') await group.restart(id);
      await showGroup(group, signal);
    }
    return ok ? 0 : 1;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError('DEMO_FAILED', `the demonstration failed: ${(error as Error).message}`, 1, {
      cause: error,
    });
  } finally {
    await group.close();
  }
}

function hasRedisServer(): boolean {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((directory) => existsSync(join(directory, 'redis-server')));
}

/** Prints the timeline and the verdict; true when nothing acknowledged is missing. */
function report(result: DemonstrationResult): boolean {
  const at = (kind: TimelineStep['kind'], last = false): string => {
    const steps = result.timeline.filter((step) => step.kind === kind);
    const step = last ? steps.at(-1) : steps[0];
    return step === undefined
      ? 'not recorded'
      : `${((step.atUs - result.killedAtUs) / 1000).toFixed(2)} ms`;
  };
  const grants = result.timeline.filter((step) => step.kind === 'granted').length;
  console.log(
    [
      '',
      `Leader ${result.killedLeader} killed with SIGKILL in the middle of the writes. After the signal:`,
      `  ${at('suspected').padStart(12)}  suspected by replica ${result.newLeader}`,
      `  ${at('granted', true).padStart(12)}  permissions granted by ${grants} replicas`,
      `  ${at('caughtUp').padStart(12)}  caught up: replica ${result.newLeader} leads`,
      `  ${at('firstDecided').padStart(12)}  first command decided by the new leader`,
      `  ${`${(result.clientGapUs / 1000).toFixed(2)} ms`.padStart(12)}  first write acknowledged to a client at a survivor`,
      '',
      `Replica ${result.killedLeader} started again: a voting member with all data after ${(result.comeBackUs / 1000).toFixed(0)} ms.`,
      `Then leader ${result.secondKilled} killed, too: replica ${result.lastLeader} leads the two that are left.`,
      '',
      `${result.acknowledged} writes acknowledged, ${result.unknown} of unknown outcome, ${result.missing.length} acknowledged writes missing.`,
      result.missing.length === 0
        ? 'No acknowledged write was lost.'
        : `LOST: ${result.missing.slice(0, 10).join(', ')}`,
      '',
    ].join('\n'),
  );
  return result.missing.length === 0;
}
