/** Outcome codes of a work request by number: `enum ibv_wc_status` (ibv_poll_cq(3)). */
export const WorkCompletionStatus = {
  success: 0,
  localLengthError: 1,
  localQueuePairOperationError: 2,
  localEeContextOperationError: 3,
  localProtectionError: 4,
  workRequestFlushed: 5,
  memoryWindowBindError: 6,
  badResponse: 7,
  localAccessError: 8,
  remoteInvalidRequest: 9,
  remoteAccessError: 10,
  remoteOperationError: 11,
  retryExceeded: 12,
  receiverNotReadyRetryExceeded: 13,
  localRddViolation: 14,
  remoteInvalidRdRequest: 15,
  remoteAborted: 16,
  invalidEeContextNumber: 17,
  invalidEeContextState: 18,
  fatal: 19,
  responseTimeout: 20,
  generalError: 21,
  tagMatchingError: 22,
} as const;

/** Name of a status code, e.g. `retryExceeded`. */
export type WorkCompletionStatusName = keyof typeof WorkCompletionStatus;

const NAMES = Object.keys(WorkCompletionStatus) as WorkCompletionStatusName[];

/** The name of a status number; codes outside ibverbs' range are `generalError`. */
export function statusName(status: number): WorkCompletionStatusName {
  return NAMES[status] ?? 'generalError';
}

/**
 * Whether the target refused the write for lack of permission. Soft-RoCE answers 9 when the queue
 * pair's flags refuse and 10 when the region does; other NICs answer 10 for both.
 */
export function isPermissionError(status: number): boolean {
  return (
    status === WorkCompletionStatus.remoteInvalidRequest ||
    status === WorkCompletionStatus.remoteAccessError
  );
}

/** Work request kinds as they stand in send rings and completions. */
export const Opcode = {
  rdmaWrite: 0,
  rdmaRead: 1,
  compareAndSwap: 2,
  fetchAndAdd: 3,
  send: 4,
  receive: 5,
  /** A receive that a write with immediate data took up; its bytes are not touched. */
  receiveRdmaWithImmediate: 6,
} as const;

/** Name of an opcode, e.g. `rdmaWrite`. */
export type OpcodeName = keyof typeof Opcode;
const OPCODE_NAMES = Object.keys(Opcode) as OpcodeName[];

/** The name of an opcode number. */
export function opcodeName(opcode: number): OpcodeName {
  const name = OPCODE_NAMES[opcode];
  if (name === undefined) throw new RangeError(`no such opcode: ${opcode}`);
  return name;
}

/** One finished work request, as `CompletionQueue.take` copies it out of the ring. */
export interface WorkCompletion {
  /** What the poster gave, untouched: low and high 32 bits. */
  readonly workRequestIdLow: number;
  readonly workRequestIdHigh: number;
  readonly status: WorkCompletionStatusName;
  readonly opcode: OpcodeName;
  /** Bytes moved, with the global header of a datagram; meaningful on success only. */
  readonly byteLength: number;
  /** Number of the local queue pair. */
  readonly queuePairNumber: number;
  /** Of a receive: what the sender gave, if it did. */
  readonly immediate?: number;
  /** Of a datagram that was received: from whom. */
  readonly sourceQueuePairNumber?: number;
}
