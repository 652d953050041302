import { parseInteger } from '../resp/integer.js';
import { Request } from '../resp/request.js';
import { errorReply, nullReply, type Protocol } from '../resp/reply.js';
import type { BackendConnection } from '../backend/backend-connection.js';
import type { Submission } from './submission.js';

/** What a SPOP turned out to be: the members to remove, and the reply that names them. */
export interface ResolvedPop {
  /** The removal to log; none where nothing is removed. */
  readonly removal: Request | undefined;
  readonly reply: Buffer;
}

/**
 * Chooses the members that SPOPs remove, on the leader's applied state: one question per key.
 *
 * Two SPOPs of one batch share the answer, so they never take the same member.
 */
export async function resolvePops(
  connection: BackendConnection,
  pops: readonly Submission[],
): Promise<Map<Submission, ResolvedPop>> {
  const groups = new Map<string, Submission[]>();
  const resolved = new Map<Submission, ResolvedPop>();
  for (const pop of pops) {
    const refusal = refusalOf(pop);
    if (refusal !== undefined) {
      resolved.set(pop, { removal: undefined, reply: errorReply(refusal) });
      continue;
    }
    const name = `${pop.db} ${pop.request.text(1)}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [pop]);
    else group.push(pop);
  }
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const wanted = group.reduce((sum, pop) => sum + countOf(pop), 0);
      const { db, request } = group[0];
      const members = await pickMembers(connection, db, request.arg(1), wanted);
      for (const pop of group) resolved.set(pop, share(pop, members));
    }),
  );
  return resolved;
}

function refusalOf({ request }: Submission): string | undefined {
  if (request.argc > 3) return 'ERR syntax error';
  if (request.argc < 3) return undefined;
  const count = parseInteger(request.text(2));
  return count !== undefined && count >= 0
    ? undefined
    : 'ERR value is out of range, must be positive';
}

function countOf({ request }: Submission): number {
  return request.argc < 3 ? 1 : parseInteger(request.text(2))!;
}

function pickMembers(
  connection: BackendConnection,
  db: number,
  key: Buffer,
  count: number,
): Promise<Buffer[] | Buffer> {
  return new Promise((resolve) => {
    connection.speak(2);
    // Even for none, ask: the key may hold another type, and that is an error to answer.
    const question = Request.of('SRANDMEMBER', key, count);
    connection.send(db, question.raw, {
      reply: (bytes) => resolve(bytes[0] === STAR ? membersOf(bytes) : Buffer.from(bytes)),
    });
  });
}

/** The elements of a flat RESP2 array: it has the form of a request. */
function membersOf(reply: Buffer): Buffer[] {
  const parsed = Request.parse(reply);
  return Array.from({ length: parsed.argc }, (_, index) => parsed.arg(index));
}

function share(pop: Submission, members: Buffer[] | Buffer): ResolvedPop {
  if (Buffer.isBuffer(members)) return { removal: undefined, reply: members };
  const taken = members.splice(0, countOf(pop));
  const single = pop.request.argc < 3;
  if (taken.length === 0) {
    const empty = single ? nullReply(pop.protocol) : listHeader(pop.protocol, 0);
    return { removal: undefined, reply: empty };
  }
  const removal = Request.of('SREM', pop.request.arg(1), ...taken);
  // The removal already holds each member as RESP wants it.
  const bytes = removal.raw.subarray(removal.raw.length - encodedLength(taken));
  return {
    removal,
    reply: single ? bytes : Buffer.concat([listHeader(pop.protocol, taken.length), bytes]),
  };
}

function listHeader(protocol: Protocol, count: number): Buffer {
  return Buffer.from(`${protocol === 3 ? '~' : '*'}${count}\r\n`);
}

function encodedLength(members: readonly Buffer[]): number {
  return members.reduce((sum, member) => sum + String(member.length).length + member.length + 5, 0);
}

const STAR = 42;
