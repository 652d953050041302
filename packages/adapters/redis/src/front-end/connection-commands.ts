import { displayName, type CommandSpec } from '../commands/table.js';
import { parseInteger } from '../resp/integer.js';
import { arrayReply, bulkReply, errorReply, integerReply, mapReply, nullReply, OK, textReply } from '../resp/reply.js'; // prettier-ignore
import type { Request } from '../resp/request.js';
import { resetSession, type Session } from './session.js';

/** What connection commands need to know of the server around a session. */
export interface ConnectionContext {
  readonly databaseCount: number;
  readonly isLeader: boolean;
  sessions(): Iterable<Session>;
  now(): number;
}

/** Answers the commands that concern the connection only, as redis-server 7.0.15 would. */
export function answerConnection(
  spec: CommandSpec,
  request: Request,
  session: Session,
  context: ConnectionContext,
): Buffer {
  switch (spec.name) {
    case 'ping': return ping(request); // prettier-ignore
    case 'echo': return bulkReply(request.arg(1)); // prettier-ignore
    case 'select': return select(request, session, context); // prettier-ignore
    case 'auth': return auth(request); // prettier-ignore
    case 'hello': return hello(request, session, context); // prettier-ignore
    case 'reset': resetSession(session); return RESET; // prettier-ignore
    case 'quit': return OK; // prettier-ignore
    case 'readonly': session.readonly = true; return OK; // prettier-ignore
    case 'readwrite': session.readonly = false; return OK; // prettier-ignore
    case 'acl|whoami': return bulkReply('default'); // prettier-ignore
    case 'client|id': return integerReply(session.id); // prettier-ignore
    case 'client|getname': return clientName(session); // prettier-ignore
    case 'client|setname': return setName(request.text(2), session) ?? OK; // prettier-ignore
    case 'client|info': return textReply(session.protocol, `${describe(session, context)}\n`); // prettier-ignore
    case 'client|list': return clientList(request, session, context); // prettier-ignore
    case 'client|no-evict': return onOrOff(request); // prettier-ignore
    case 'client|reply': return clientReply(request); // prettier-ignore
    case 'client|help': return arrayReply(CLIENT_HELP.map((line) => Buffer.from(`+${line}\r\n`))); // prettier-ignore
    default: return errorReply(`ERR ${displayName(spec)} is not supported by mu-redis`); // prettier-ignore
  }
}

function ping(request: Request): Buffer {
  if (request.argc === 1) return PONG;
  if (request.argc === 2) return bulkReply(request.arg(1));
  return errorReply("ERR wrong number of arguments for 'ping' command");
}

function select(request: Request, session: Session, context: ConnectionContext): Buffer {
  const db = parseInteger(request.text(1));
  if (db === undefined || Math.abs(db) > INT32_MAX) {
    return errorReply('ERR value is not an integer or out of range');
  }
  if (db < 0 || db >= context.databaseCount) return errorReply('ERR DB index is out of range');
  session.db = db;
  return OK;
}

function auth(request: Request): Buffer {
  if (request.argc > 3) return errorReply('ERR syntax error');
  if (request.argc === 2) {
    return errorReply(
      'ERR AUTH <password> called without any password configured for the default user. ' +
        'Are you sure your configuration is correct?',
    );
  }
  return request.text(1) === 'default' ? OK : WRONG_PASSWORD;
}

function hello(request: Request, session: Session, context: ConnectionContext): Buffer {
  let protocol = session.protocol;
  if (request.argc > 1) {
    const asked = parseInteger(request.text(1));
    if (asked === undefined) {
      return errorReply('ERR Protocol version is not an integer or out of range');
    }
    if (asked !== 2 && asked !== 3) return errorReply('NOPROTO unsupported protocol version');
    protocol = asked;
  }
  let name: string | undefined;
  for (let index = 2; index < request.argc; index++) {
    const option = request.text(index).toUpperCase();
    const left = request.argc - 1 - index;
    if (option === 'AUTH' && left >= 2) {
      if (request.text(index + 1) !== 'default') return WRONG_PASSWORD;
      index += 2;
    } else if (option === 'SETNAME' && left >= 1) {
      name = request.text(++index);
      const refused = checkName(name);
      if (refused !== undefined) return refused;
    } else return errorReply(`ERR Syntax error in HELLO option '${request.text(index)}'`);
  }
  session.protocol = protocol;
  session.name = name ?? session.name;
  return greeting(session, context);
}

function greeting(session: Session, context: ConnectionContext): Buffer {
  const { protocol } = session;
  return mapReply(protocol, [
    bulkReply('server'), bulkReply('redis'),
    bulkReply('version'), bulkReply('7.0.15'),
    bulkReply('proto'), integerReply(protocol),
    bulkReply('id'), integerReply(session.id),
    bulkReply('mode'), bulkReply('standalone'),
    bulkReply('role'), bulkReply(context.isLeader ? 'master' : 'replica'),
    bulkReply('modules'), arrayReply([]),
  ]); // prettier-ignore
}

function clientName({ name, protocol }: Session): Buffer {
  return name === '' ? nullReply(protocol) : bulkReply(name);
}

function setName(name: string, session: Session): Buffer | undefined {
  const refused = checkName(name);
  if (refused === undefined) session.name = name;
  return refused;
}

function checkName(name: string): Buffer | undefined {
  if (/^[!-~]*$/.test(name)) return undefined;
  return errorReply('ERR Client names cannot contain spaces, newlines or special characters.');
}

function clientList(request: Request, session: Session, context: ConnectionContext): Buffer {
  let wanted: (each: Session) => boolean = () => true;
  const filter = request.argc > 2 ? request.text(2).toUpperCase() : '';
  if (filter === 'ID' && request.argc > 3) {
    const ids = new Set<number>();
    for (let index = 3; index < request.argc; index++) {
      const id = parseInteger(request.text(index));
      if (id === undefined) return errorReply('ERR Invalid client ID');
      ids.add(id);
    }
    wanted = ({ id }) => ids.has(id);
  } else if (filter === 'TYPE' && request.argc === 4) {
    const type = request.text(3).toLowerCase();
    if (!CLIENT_TYPES.includes(type)) {
      return errorReply(`ERR Unknown client type '${request.text(3)}'`);
    }
    wanted = () => type === 'normal';
  } else if (request.argc > 2) return errorReply('ERR syntax error');
  const lines = [...context.sessions()]
    .filter(wanted)
    .map((each) => `${describe(each, context)}\n`);
  return textReply(session.protocol, lines.join(''));
}

function describe(session: Session, context: ConnectionContext): string {
  const age = Math.floor((context.now() - session.connectedAtMs) / 1000);
  const { id, address, localAddress, name, db, transaction, lastCommand, protocol } = session;
  const multi = transaction === undefined ? -1 : transaction.queued.length;
  const flags = `${transaction === undefined ? '' : 'x'}${session.readonly ? 'r' : ''}` || 'N';
  return (
    `id=${id} addr=${address} laddr=${localAddress} name=${name} age=${age} idle=0 ` +
    `flags=${flags} db=${db} multi=${multi} cmd=${lastCommand} user=default resp=${protocol}`
  );
}

function onOrOff(request: Request): Buffer {
  const valid = ['ON', 'OFF'].includes(request.text(2).toUpperCase());
  return valid ? OK : errorReply('ERR syntax error');
}

function clientReply(request: Request): Buffer {
  const mode = request.text(2).toUpperCase();
  if (mode === 'ON') return OK;
  if (mode !== 'OFF' && mode !== 'SKIP') return errorReply('ERR syntax error');
  return errorReply(`ERR CLIENT REPLY ${mode} is not supported by mu-redis`);
}

const PONG = Buffer.from('+PONG\r\n');
const RESET = Buffer.from('+RESET\r\n');
const WRONG_PASSWORD = errorReply('WRONGPASS invalid username-password pair or user is disabled.');
const INT32_MAX = 2 ** 31 - 1;
const CLIENT_TYPES = ['normal', 'master', 'replica', 'slave', 'pubsub'];
const CLIENT_HELP = [
  'CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'GETNAME, ID, INFO, LIST [TYPE type | ID id ...], NO-EVICT (ON|OFF), REPLY ON, SETNAME <name>, HELP',
];
