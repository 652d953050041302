import type { LogOffset } from '@mu-smr/log';
import type { ReplicaId } from '../propose-outcome.ts';

/**
 * What an entry of kind `check` says: take a digest of the state here, or compare the one that was
 * taken at an earlier such entry.
 */
export type DigestCheck =
  | { readonly kind: 'take' }
  | {
      readonly kind: 'compare';
      /** Where it was taken: an offset has one state, whoever applies up to it. */
      readonly at: LogOffset;
      readonly by: ReplicaId;
      /** In hexadecimal digits. */
      readonly digest: string;
    };

/** Bytes of a check as payload of an entry. */
export const CHECK_BYTES = 40;
/** Of a SHA-256: enough, and a check fits where little else does. */
export const DIGEST_BYTES = 24;

/** Stores a check at byte `at`: offset, id of the replica, digest; all zero where one is to be taken. */
export function writeCheck(bytes: Uint8Array, at: number, check: DigestCheck): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset + at, CHECK_BYTES).fill(0);
  if (check.kind === 'take') return;
  buffer.writeDoubleLE(check.at, 0);
  buffer.writeUInt32LE(check.by, 8);
  buffer.write(check.digest, 16, 'hex');
}

export function readCheck(bytes: Uint8Array, at: number): DigestCheck {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset + at, CHECK_BYTES);
  const taken = buffer.readDoubleLE(0);
  if (taken === 0) return { kind: 'take' };
  const digest = buffer.toString('hex', 16, 16 + DIGEST_BYTES);
  return { kind: 'compare', at: taken as LogOffset, by: buffer.readUInt32LE(8), digest };
}
