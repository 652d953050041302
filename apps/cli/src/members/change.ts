import { z } from 'zod';

/** What `mu add`, `mu remove` and `mu replace` ask of whoever owns the group's processes. */
export const ChangeRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('add'), id: z.int().min(0).optional() }),
  z.object({ kind: z.literal('remove'), id: z.int().min(0), force: z.boolean() }),
  z.object({ kind: z.literal('replace'), id: z.int().min(0) }),
]);
export type ChangeRequest = z.infer<typeof ChangeRequest>;

/** How far one replica of a change has come. */
export interface ChangeProgress {
  readonly kind: 'progress';
  readonly id: number;
  readonly phase:
    'starting' | 'receiving' | 'catchingUp' | 'waiting' | 'member' | 'leaving' | 'removed' | 'gone';
  /** Of the state that another replica gives it. */
  readonly receivedBytes: number;
}

/** What is told of a change, line by line; the last one is `done` or `failed`. */
export type ChangeReport =
  | ChangeProgress
  | {
      readonly kind: 'done';
      readonly added?: number | undefined;
      readonly removed?: number | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly exitCode: number;
    };
