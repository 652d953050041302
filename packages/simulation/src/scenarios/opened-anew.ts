import { Int } from '@mu-smr/consensus/planes';
import { Scenario } from './scenario.ts';

/**
 * A log that no leader can bring further keeps what it accepted when it is opened with the state of
 * another replica: that may be decided with its vote, and the other need not have it.
 */
export function logThatIsOpenedAnew(): void {
  const scenario = new Scenario({ transfersState: true });
  const { fabric } = scenario.cluster;
  const leader = scenario.leader();
  scenario.decide(leader, 3);
  scenario.run(500);

  // r2 alone has the next command, and nobody tells it that this is decided.
  fabric.partition('r0', 'r1');
  scenario.decide(leader);
  fabric.partition('r0', 'r2');
  // As if it had stood, and found that a ring begins above all it knows.
  const { link } = scenario.replica(2);
  link.setInt(Int.strayed, 1);
  scenario.until(() => link.int(Int.openings) === 2 && link.isOpen);
  leader.crash();

  scenario.decide(scenario.leader(leader));
  scenario.until(() => scenario.agree(5));
}
