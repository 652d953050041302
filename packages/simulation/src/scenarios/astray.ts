import { mustHold } from '../invariant-violation.ts';
import { Scenario } from './scenario.ts';

/** A state that goes astray is seen by the replicas themselves, and by nobody before it does. */
export function stateThatGoesAstray(): void {
  let told = 0;
  const scenario = new Scenario({}, { diverged: () => void told++ }, 1000);
  const leader = scenario.leader();
  scenario.decide(leader, 30);
  scenario.replica((leader.id + 1) % 3).machine.astray = true;
  scenario.decide(leader, 30);
  mustHold('I9', told > 0, () => 'a follower is astray, and nobody tells');
}
