import { CliError } from '../errors.ts';
import { findGroup } from '../group/group-file.ts';
import { processState } from '../group/processes.ts';

/** `mu kill|pause|resume ID`: SIGKILL, SIGSTOP or SIGCONT to one replica of a local group. */
export function signalReplica(
  action: 'kill' | 'pause' | 'resume',
  id: string,
  options: { group?: string },
): number {
  const group = findGroup(options.group);
  const replica = group.replicas.find((one) => String(one.id) === id);
  if (replica === undefined) {
    const ids = group.replicas.map((one) => one.id).join(', ');
    throw new CliError('NO_REPLICA', `group ${group.name} has no replica ${id}, only ${ids}`, 2);
  }
  if (processState(replica.process) === 'dead')
    throw new CliError('REPLICA_DEAD', `replica ${id} of ${group.name} is dead already`);
  const signals = { kill: 'SIGKILL', pause: 'SIGSTOP', resume: 'SIGCONT' } as const;
  process.kill(replica.process.pid, signals[action]);
  console.log(
    `${signals[action]} sent to replica ${id} of ${group.name} (pid ${replica.process.pid})`,
  );
  return 0;
}
