import { Request } from '../resp/request.js';

/** An XADD or XTRIM in a form every replica executes alike. */
export interface StreamRewrite {
  readonly request: Request;
  /** Where the server-made id stands among the arguments behind the key, from 1. */
  readonly serverIdAt: number | undefined;
}

/**
 * Makes trimming exact and finds the id that the server is to make.
 *
 * How far `~` trims depends on how a stream lies in memory, which a restored replica need not share.
 */
export function rewriteStream(request: Request, isAdd: boolean): StreamRewrite {
  const args: (Buffer | string)[] = [];
  for (let index = 0; index < request.argc; index++) args.push(request.arg(index));

  let index = 2;
  let changed = false;
  for (; index < args.length; index++) {
    const option = word(args[index]);
    if (option === 'NOMKSTREAM') continue;
    if (option !== 'MAXLEN' && option !== 'MINID') break;
    const approximate = word(args[index + 1]) === '~';
    if (approximate) args[index + 1] = '=';
    if (approximate || word(args[index + 1]) === '=') index++;
    index++;
    // Only an approximate trim may have a limit: an exact one takes none.
    if (approximate && word(args[index + 1]) === 'LIMIT') args.splice(index + 1, 2);
    changed ||= approximate;
  }
  return {
    request: changed ? Request.of(...args) : request,
    serverIdAt: isAdd && word(args[index]) === '*' ? index - 1 : undefined,
  };
}

function word(arg: Buffer | string | undefined): string {
  return arg === undefined ? '' : arg.toString('latin1').toUpperCase();
}
