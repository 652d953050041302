import type { Home } from './home.ts';
import { mu } from './mu.ts';

/** One replica as `mu status --json` tells it. */
export interface Member {
  readonly id: number;
  readonly client: string;
  readonly pid: number;
  readonly process: string;
  readonly status: {
    readonly role: string;
    readonly leader?: number;
    readonly applied: number;
    readonly members: readonly number[];
    readonly votes: boolean;
  } | null;
}

/** The replicas of a group, by its own word. */
export async function membersOf(home: Home, group: string): Promise<readonly Member[]> {
  const { stdout } = await mu(home, 'status', '--group', group, '--json');
  return (JSON.parse(stdout) as { replicas: Member[] }).replicas;
}
