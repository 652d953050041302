import { findGroup } from '../group/group-file.ts';
import { groupStatus, statusJson, statusTable } from '../group/group-status.ts';
import { warningsOf } from '../members/warnings.ts';

/** `mu status [--json]`. Exit status 1 when no replica leads, or the state of one is not that of its leader. */
export async function status(options: { group?: string; json?: boolean }): Promise<number> {
  const group = findGroup(options.group);
  const members = await groupStatus(group);
  const warnings = warningsOf(members);
  if (options.json === true) {
    const { name, application } = group;
    const replicas = statusJson(members);
    console.log(JSON.stringify({ group: name, application, replicas, warnings }));
  } else {
    console.log(`group ${group.name} (${group.application})\n${statusTable(members)}`);
    for (const warning of warnings) console.log(`warning: ${warning}`);
  }
  const answers = members.flatMap(({ answer }) => (answer === undefined ? [] : [answer.status]));
  const diverged = answers.some(({ counters }) => counters.divergences > 0);
  return !diverged && answers.some(({ role }) => role === 'leader') ? 0 : 1;
}
