import type { ReplicaStatus } from '@mu-smr/consensus';
import { table } from '../output/table.ts';
import { askControl, controlPath, type ControlAnswer } from './control.ts';
import type { GroupFile } from './group-file.ts';
import { processState, type ProcessState } from './processes.ts';

/** One replica as `mu status` shows it. */
export interface MemberStatus {
  readonly id: number;
  readonly client: string;
  readonly pid: number;
  readonly process: ProcessState;
  /** Absent while the process does not answer. */
  readonly answer: ControlAnswer | undefined;
}

export async function groupStatus(group: GroupFile, timeoutMs?: number): Promise<MemberStatus[]> {
  return Promise.all(
    group.replicas.map(async ({ id, client, process }) => {
      const state = processState(process);
      const answer =
        state === 'running'
          ? await askControl(controlPath(group.fabric, id), timeoutMs)
          : undefined;
      return { id, client, pid: process.pid, process: state, answer };
    }),
  );
}

/** The same for programs. */
export function statusJson(members: readonly MemberStatus[]): object[] {
  return members.map(({ answer, ...member }) => ({ ...member, status: answer?.status ?? null }));
}

/** The table that `mu status` and `mu up` print. */
export function statusTable(members: readonly MemberStatus[]): string {
  const rows = members.map(({ id, client, pid, process, answer }) => {
    const status = answer?.status;
    const role = process === 'running' ? roleOf(status) : process;
    const diverged = (status?.counters.divergences ?? 0) > 0;
    return [
      String(id),
      diverged ? `${role}, DIVERGED` : role,
      client,
      String(pid),
      status === undefined ? '' : String(status.applied),
      status === undefined ? '' : String(status.tail - status.applied),
      status === undefined ? '' : status.confirmedFollowers.join(' '),
      status === undefined ? '' : String(status.counters.suspicions),
      status === undefined ? '' : status.scheduling,
    ];
  });
  return table(
    ['id', 'role', 'clients', 'pid', 'applied', 'behind', 'confirmed', 'suspicions', 'background'],
    rows,
  );
}

function roleOf(status: ReplicaStatus | undefined): string {
  if (status === undefined) return 'no answer';
  if (status.phase === 'joining') return 'joining';
  return status.votes ? status.role : 'learner';
}
