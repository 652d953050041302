declare const unit: unique symbol;

/**
 * A position in the replicated log: bytes since the log began, never reused, always a multiple of
 * 64. A JavaScript number, because the hot path must not allocate a BigInt; exact up to 2^53 bytes,
 * which is 104 days at a gigabyte per second.
 */
export type LogOffset = number & { readonly [unit]: 'LogOffset' };

/** A proposal number: unique per replica, increasing; see `consensus/core/proposal-number.ts`. */
export type ProposalNumber = number & { readonly [unit]: 'ProposalNumber' };

/**
 * Where every log begins. Read from an array of doubles, so that V8 keeps a field that starts with it
 * as a double: an integer would change the field's layout, and throw away the code compiled for it,
 * when offsets outgrow 31 bits.
 */
export const LOG_BEGIN = new Float64Array(1)[0] as LogOffset;

/** `offset` plus a number of bytes. */
export function advance(offset: LogOffset, bytes: number): LogOffset {
  return (offset + bytes) as LogOffset;
}
