import { parseInteger } from '../resp/integer.js';
import { Request } from '../resp/request.js';
import type { CommandSpec } from '../commands/table.js';
import { DEADLINE_MS_MAX, GUARD_MS } from './guard.js';

/** What a command that may set a deadline becomes. */
export type TtlRewrite =
  /** Sent as it is: it sets none, or redis-server will refuse it with the error it deserves. */
  | { readonly kind: 'asIs' }
  | { readonly kind: 'rewritten'; readonly request: Request; readonly deadlineMs: number }
  | { readonly kind: 'error'; readonly text: string };

type Unit = 'EX' | 'PX' | 'EXAT' | 'PXAT';

/**
 * Turns every way to set a time to live into an absolute, guarded deadline counted from the entry's
 * clock. Deterministic: every replica rewrites alike.
 */
export function rewriteTtl(spec: CommandSpec, request: Request, nowMs: number): TtlRewrite {
  switch (spec.name) {
    case 'expire': return rewriteExpire(spec, request, nowMs, 'EX'); // prettier-ignore
    case 'pexpire': return rewriteExpire(spec, request, nowMs, 'PX'); // prettier-ignore
    case 'expireat': return rewriteExpire(spec, request, nowMs, 'EXAT'); // prettier-ignore
    case 'pexpireat': return rewriteExpire(spec, request, nowMs, 'PXAT'); // prettier-ignore
    case 'setex': return rewriteSetex(spec, request, nowMs, 'EX'); // prettier-ignore
    case 'psetex': return rewriteSetex(spec, request, nowMs, 'PX'); // prettier-ignore
    case 'set': return rewriteOptions(spec, request, nowMs, 3); // prettier-ignore
    case 'getex': return rewriteOptions(spec, request, nowMs, 2); // prettier-ignore
    default: return rewriteRestore(spec, request, nowMs); // prettier-ignore
  }
}

const AS_IS = { kind: 'asIs' } as const;

function rewriteExpire(spec: CommandSpec, request: Request, nowMs: number, unit: Unit): TtlRewrite {
  const deadline = deadlineMs(request.text(2), unit, nowMs);
  if (deadline === undefined) return AS_IS;
  if (deadline > DEADLINE_MS_MAX) return tooFar(spec);
  const conditions = argsFrom(request, 3);
  return rewritten(deadline, 'PEXPIREAT', request.arg(1), deadline + GUARD_MS, ...conditions);
}

function rewriteSetex(spec: CommandSpec, request: Request, nowMs: number, unit: Unit): TtlRewrite {
  const deadline = positiveDeadlineMs(request.text(2), unit, nowMs);
  if (deadline === undefined) return AS_IS;
  if (deadline > DEADLINE_MS_MAX) return tooFar(spec);
  return rewritten(deadline, 'SET', request.arg(1), request.arg(3), 'PXAT', deadline + GUARD_MS);
}

/** SET and GETEX: redis-server refuses what this walk does not understand, so it may stay as is. */
function rewriteOptions(
  spec: CommandSpec,
  request: Request,
  nowMs: number,
  first: number,
): TtlRewrite {
  const args: (Buffer | string | number)[] = argsFrom(request, 0);
  let unit: Unit | undefined;
  let latest = 0;
  for (let index = first; index < request.argc; index++) {
    const option = request.text(index).toUpperCase();
    if (!isUnit(option)) continue;
    // Two different units are a syntax error, and a unit without a value is one too.
    if ((unit !== undefined && unit !== option) || index + 1 >= request.argc) return AS_IS;
    unit = option;
    const deadline = positiveDeadlineMs(request.text(index + 1), unit, nowMs);
    if (deadline === undefined) return AS_IS;
    if (deadline > DEADLINE_MS_MAX) return tooFar(spec);
    args[index] = 'PXAT';
    args[++index] = deadline + GUARD_MS;
    latest = deadline;
  }
  return unit === undefined ? AS_IS : rewritten(latest, ...args);
}

function rewriteRestore(spec: CommandSpec, request: Request, nowMs: number): TtlRewrite {
  const options = argsFrom(request, 4);
  const absolute = options.some((option) => option.toString('latin1').toUpperCase() === 'ABSTTL');
  const deadline = positiveDeadlineMs(request.text(2), absolute ? 'PXAT' : 'PX', nowMs);
  if (deadline === undefined) return AS_IS;
  if (deadline > DEADLINE_MS_MAX) return tooFar(spec);
  if (!absolute) options.push(Buffer.from('ABSTTL'));
  const [, key, , payload] = argsFrom(request, 0);
  return rewritten(deadline, 'RESTORE', key, deadline + GUARD_MS, payload, ...options);
}

function rewritten(deadline: number, ...args: (Buffer | string | number)[]): TtlRewrite {
  return { kind: 'rewritten', request: Request.of(...args), deadlineMs: deadline };
}

function tooFar(spec: CommandSpec): TtlRewrite {
  return { kind: 'error', text: `ERR invalid expire time in '${spec.name}' command` };
}

/** The absolute deadline; `undefined` where redis-server refuses the number. */
function deadlineMs(text: string, unit: Unit, nowMs: number): number | undefined {
  const value = parseInteger(text);
  if (value === undefined) return undefined;
  const ms = unit === 'EX' || unit === 'EXAT' ? value * 1000 : value;
  if (Math.abs(ms) > INT64_MAX) return undefined;
  const deadline = unit === 'EX' || unit === 'PX' ? nowMs + ms : ms;
  if (deadline > INT64_MAX) return undefined;
  // All that lies before 1970 is equally past; the guard must not lose precision on it.
  return Math.max(deadline, 0);
}

function positiveDeadlineMs(text: string, unit: Unit, nowMs: number): number | undefined {
  const value = parseInteger(text);
  return value === undefined || value <= 0 ? undefined : deadlineMs(text, unit, nowMs);
}

function isUnit(option: string): option is Unit {
  return option === 'EX' || option === 'PX' || option === 'EXAT' || option === 'PXAT';
}

function argsFrom(request: Request, first: number): Buffer[] {
  const args: Buffer[] = [];
  for (let index = first; index < request.argc; index++) args.push(request.arg(index));
  return args;
}

const INT64_MAX = 2 ** 63;
