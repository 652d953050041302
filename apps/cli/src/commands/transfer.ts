import type { TransferOutcome } from '@mu-smr/consensus';
import { CliError } from '../errors.ts';
import { askTransfer, controlPath } from '../group/control.ts';
import { findGroup } from '../group/group-file.ts';
import { groupStatus } from '../group/group-status.ts';
import { wholeNumber } from '../output/numbers.ts';

/** Longer than a leader waits for what is under way, and for its successor. */
const TRANSFER_MS = 5000;

/** `mu transfer [--to ID]`: gives leadership to another replica, without a pause that anybody has to notice. */
export async function transfer(options: {
  group?: string;
  to?: string;
  json?: boolean;
}): Promise<number> {
  const to = options.to === undefined ? undefined : wholeNumber('to', options.to, 0);
  const group = findGroup(options.group);
  const leader = (await groupStatus(group)).find(({ answer }) => answer?.status.role === 'leader');
  if (leader === undefined)
    throw new CliError('NO_LEADER', `nobody leads group ${group.name} now: see mu status`);
  if (leader.id === to) throw new CliError('USAGE', `replica ${to} leads already`, 2);
  const outcome = await askTransfer(controlPath(group.fabric, leader.id), to, TRANSFER_MS);
  if (outcome?.kind !== 'transferred') throw new CliError('NOT_TRANSFERRED', whyNot(outcome, to));
  if (options.json === true)
    console.log(JSON.stringify({ group: group.name, from: leader.id, to: outcome.to }));
  else console.log(`replica ${leader.id} handed over: replica ${outcome.to} leads`);
  return 0;
}

function whyNot(outcome: TransferOutcome | undefined, to: number | undefined): string {
  if (outcome?.kind === 'notLeader') return 'the leader changed meanwhile: see mu status';
  if (outcome?.kind !== 'rejected') return 'the leader did not answer in time: see mu status';
  switch (outcome.reason) {
    case 'noSuccessor':
      return to === undefined
        ? 'no other member runs and holds everything'
        : `replica ${to} is no member that runs and holds everything`;
    case 'refused':
      return 'the successor did not take it, and the old leader leads again: try once more';
    case 'busy':
      return 'another transfer or proposals of long ago are under way: try again';
    case 'closed':
      return 'the leader is being ended, and hands over by itself';
  }
}
