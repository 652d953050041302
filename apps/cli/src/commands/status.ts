import { findGroup } from '../group/group-file.ts';
import { groupStatus, statusTable } from '../group/group-status.ts';

/** `mu status [--json]`. Exit status 1 when no replica leads, or the state of one is not that of its leader. */
export async function status(options: { group?: string; json?: boolean }): Promise<number> {
  const group = findGroup(options.group);
  const members = await groupStatus(group);
  if (options.json === true) {
    const replicas = members.map(({ answer, ...member }) => ({
      ...member,
      status: answer?.status ?? null,
    }));
    console.log(JSON.stringify({ group: group.name, application: group.application, replicas }));
  } else {
    console.log(`group ${group.name} (${group.application})\n${statusTable(members)}`);
  }
  const answers = members.flatMap(({ answer }) => (answer === undefined ? [] : [answer.status]));
  const diverged = answers.some(({ counters }) => counters.divergences > 0);
  return !diverged && answers.some(({ role }) => role === 'leader') ? 0 : 1;
}
