import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { defaultFabric } from '@mu-smr/verbs';
import { z } from 'zod';
import { CliError } from '../errors.ts';
import { checkOwn, groupsDirectory, inOwnDirectory, removeIfEmpty } from './own-directory.ts';
import { processState } from './processes.ts';

const Identity = z.object({ pid: z.int(), startTime: z.string() });
const GroupFile = z.object({
  name: z.string(),
  application: z.enum(['redis', 'kv']),
  fabric: z.string(),
  /** Configuration and logs of the replicas. */
  directory: z.string(),
  supervisor: Identity,
  /** Empty until they are started. */
  replicas: z.array(z.object({ id: z.int(), client: z.string(), process: Identity })),
});

/** What `mu up` writes down of a group, for `mu status` and its siblings. */
export type GroupFile = z.infer<typeof GroupFile>;

function pathOf(name: string): string {
  return join(groupsDirectory(), `${name}.json`);
}

/** Takes the group's name; refused while another group of this user has it. */
export function claimGroup(group: GroupFile): void {
  runningGroups();
  const draft = writeDraft(group);
  try {
    // Unlike a rename, a link never replaces what is there.
    linkSync(draft, pathOf(group.name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new CliError(
      'GROUP_RUNS',
      `group ${group.name} runs already; choose another name with --group`,
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Brings what is written down of a claimed group up to date. */
export function writeGroup(group: GroupFile): void {
  renameSync(writeDraft(group), pathOf(group.name));
}

function writeDraft(group: GroupFile): string {
  const draft = `${pathOf(group.name)}.${process.pid}`;
  inOwnDirectory(groupsDirectory(), () =>
    writeFileSync(draft, JSON.stringify(group, null, 2), { mode: 0o600 }),
  );
  return draft;
}

/** Removes all that a group whose processes have ended left on this machine. */
export function removeGroup(group: GroupFile): void {
  const remove = (path: string): void =>
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  // A replica that was killed could not remove the directory of its application's socket.
  for (const name of listed(dirname(group.fabric)))
    if (name.startsWith(`${basename(group.fabric)}.`)) remove(join(dirname(group.fabric), name));
  remove(group.fabric);
  remove(group.directory);
  removeIfEmpty(defaultFabric());
  remove(pathOf(group.name));
  removeIfEmpty(groupsDirectory());
}

/** Every group of this user on this machine; what a supervisor that was killed left is removed. */
export function runningGroups(): GroupFile[] {
  const files = listed(groupsDirectory()).filter((file) => file.endsWith('.json'));
  if (files.length > 0) checkOwn(groupsDirectory());
  return files
    .map((file) => readGroup(join(groupsDirectory(), file)))
    .filter((one) => one !== undefined);
}

function readGroup(path: string): GroupFile | undefined {
  let parsed: ReturnType<typeof GroupFile.safeParse>;
  try {
    parsed = GroupFile.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
  if (!parsed.success) return undefined;
  const group = parsed.data;
  if (processState(group.supervisor) !== 'dead') return group;
  // Its replicas end with it by themselves; one that could not is not to stay.
  for (const { process: replica } of group.replicas)
    if (processState(replica) !== 'dead') process.kill(replica.pid, 'SIGKILL');
  removeGroup(group);
  return undefined;
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The group of that name, or the only one there is. */
export function findGroup(name: string | undefined): GroupFile {
  const groups = runningGroups();
  const found =
    name === undefined && groups.length === 1 ? groups[0] : groups.find((one) => one.name === name);
  if (found !== undefined) return found;
  if (groups.length === 0)
    throw new CliError(
      'NO_GROUP',
      'no group runs on this machine; start one with: mu up redis --replicas 3',
    );
  const names = groups.map((group) => group.name).join(', ');
  const problem = name === undefined ? 'several groups run' : `no group "${name}" runs`;
  throw new CliError('NO_GROUP', `${problem}; name one with --group: ${names}`);
}
