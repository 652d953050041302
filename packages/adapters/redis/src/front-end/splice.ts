import { connect, type Socket } from 'node:net';
import { NO_LEADER } from '../leader/outcome-reply.js';
import { parseInteger } from '../resp/integer.js';
import { Request } from '../resp/request.js';
import type { Address } from './group-view.js';
import type { Session } from './session.js';

/** How a replica introduces a client whose connection it passes on; no client needs to know it. */
export const FORWARD_COMMAND = 'MU.FORWARD';

/** The introduction: what the client had set so far. It also says: do not pass this on again. */
export function introduce(session: Session): Buffer {
  return Request.of(FORWARD_COMMAND, session.protocol, session.db, session.name).raw;
}

/** Gives a passed-on connection what its client had set; false for what no replica would say. */
export function takeIntroduction(
  request: Request,
  session: Session,
  databaseCount: number,
): boolean {
  const [protocol, db, name] = [request.text(1), parseInteger(request.text(2)), request.text(3)];
  if (protocol !== '2' && protocol !== '3') return false;
  if (db === undefined || db < 0 || db >= databaseCount || !/^[!-~]*$/.test(name)) return false;
  session.protocol = protocol === '3' ? 3 : 2;
  session.db = db;
  session.name = name;
  return true;
}

/**
 * Ties a client to the leader: raw bytes both ways, each side read only as fast as the other takes.
 *
 * `received` are the client's bytes that have been read already. Returns how to cut the tie.
 */
export function spliceToLeader(
  client: Socket,
  leader: Address,
  session: Session,
  received: Buffer,
): () => void {
  const upstream = connect({ host: leader.host, port: leader.port, noDelay: true });
  let introduced = false;
  const cut = () => {
    upstream.destroy();
    client.destroy();
  };
  const refuse = () => {
    // Nothing the client asked has reached a leader: it may be told so.
    client.end(NO_LEADER);
    // One that does not close its side must not hold the connection.
    client.setTimeout(LINGER_MS, () => client.destroy());
    client.resume();
    upstream.destroy();
  };
  client.pause();
  upstream.setTimeout(CONNECT_TIMEOUT_MS, refuse);
  upstream.on('error', () => (introduced ? cut() : refuse()));
  upstream.on('close', () => (introduced ? client.end() : undefined));
  client.on('close', () => upstream.destroy());
  upstream.once('connect', () => upstream.write(introduce(session)));
  upstream.once('data', (answer: Buffer) => {
    upstream.pause();
    if (answer.toString('latin1') !== '+OK\r\n') return refuse();
    introduced = true;
    upstream.setTimeout(0);
    upstream.write(received);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  return cut;
}

const CONNECT_TIMEOUT_MS = 2000;
const LINGER_MS = 1000;
