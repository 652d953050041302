/**
 * Every deadline lies this much later in redis-server than in truth: ten years.
 *
 * A redis-server left to itself expires keys by its own clock, each replica at another moment, and
 * replicas diverge. With the guard it never comes to that; the log's clock decides instead.
 */
export const GUARD_MS = 10 * 365 * 24 * 3600 * 1000;

/** Latest deadline we accept: with the guard it still is an exact double, also in Lua. */
export const DEADLINE_MS_MAX = Number.MAX_SAFE_INTEGER - GUARD_MS;
