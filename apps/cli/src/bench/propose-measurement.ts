import { BenchGroup, type BenchChild, type BenchGroupOptions } from './bench-group.ts';
import type { ProposePlan, ProposeResult } from './messages.ts';
import { giveOwnCore, type Followers } from './pinning.ts';

/** What was measured, and whether the leader had a core of its own. */
export type Measured = ProposeResult & { readonly ownCore: boolean };

const MEASUREMENT_MS = 600_000;

/**
 * Measures one plan after the other at the leader of one group. A group that changes its leader in the
 * middle of it is replaced, and the plan begun anew.
 */
export async function measureProposing(
  options: BenchGroupOptions,
  plans: readonly ProposePlan[],
  done: (plan: ProposePlan) => void = () => undefined,
): Promise<Measured[]> {
  const results: Measured[] = [];
  const goOn = (): Promise<void> =>
    BenchGroup.with(options, async (group) => {
      const { leader, ownCore } = await pinnedLeader(
        group,
        options.devices === undefined ? 'replay beside it' : 'keep away',
      );
      for (const plan of plans.slice(results.length)) {
        const proposed = leader.next('proposed', MEASUREMENT_MS);
        leader.send({ kind: 'propose', plan });
        results.push({ ...(await proposed).result, ownCore });
        done(plan);
      }
    });
  await undisturbed(goOn, options.signal, () => results.length);
  return results;
}

/** The leader of a group, on a core of its own where there is one. */
export async function pinnedLeader(
  group: BenchGroup,
  followers: Followers = 'replay beside it',
): Promise<{ leader: BenchChild; ownCore: boolean }> {
  const leader = await group.leader();
  const others = group.children.filter((child) => child !== leader).map(({ pid }) => pid);
  return { leader, ownCore: giveOwnCore(leader.pid, others, followers) };
}

/** How often one measurement is begun anew because the group changed its leader in the middle of it. */
const ATTEMPTS = 5;

/**
 * A measurement counts only when the leader stayed: on a busy machine it is begun anew, and says so.
 * `progress` grows where `work` goes on from where it was; attempts are then counted from there.
 */
export async function undisturbed<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  progress: () => number = () => 0,
): Promise<T> {
  let reached = progress();
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (progress() > reached) attempt = 1;
      reached = progress();
      if (attempt === ATTEMPTS || signal.aborted) throw error;
      console.error(`note: measuring again, because: ${(error as Error).message}`);
    }
  }
}
