import type { DeviceInfo } from './backend.ts';
import type { CompletionQueue } from './completion-queue.ts';
import { refuse } from './errors.ts';
import { QueuePairType, type QueuePairTypeName } from './queue-pair-type.ts';
import type { SendRing } from './send-ring.ts';

/** What a new queue pair is made of. */
export interface QueuePairOptions {
  /** `RC`, the default, or `UC`. */
  readonly type?: Exclude<QueuePairTypeName, 'UD'>;
  /** The ring its work requests are posted to; fixes the thread that posts. */
  readonly sendRing: SendRing;
  readonly sendCompletionQueue: CompletionQueue;
  /** Default: the send completion queue. */
  readonly receiveCompletionQueue?: CompletionQueue;
  /** Most work requests that may be outstanding. Default 128. */
  readonly sendQueueDepth?: number;
  /** Most receives that may be outstanding. Default 0: it receives no messages. */
  readonly receiveQueueDepth?: number;
  /** Longest inline write or message in bytes. Default 0. */
  readonly inlineBytesMax?: number;
}

/** What a new queue pair of datagrams is made of. */
export interface DatagramQueuePairOptions extends Omit<QueuePairOptions, 'type'> {
  readonly type: 'UD';
}

/** The same, with everything said. */
export interface QueuePairSetup {
  readonly type: QueuePairTypeName;
  readonly sendRing: SendRing;
  readonly sendCompletionQueue: CompletionQueue;
  readonly receiveCompletionQueue: CompletionQueue;
  readonly sendQueueDepth: number;
  readonly receiveQueueDepth: number;
  readonly inlineBytesMax: number;
}

/** Checks options against what the device has. */
export function setupOf(
  { provider, queuePairTypes, limits }: DeviceInfo,
  options: QueuePairOptions | DatagramQueuePairOptions,
): QueuePairSetup {
  const { type = 'RC', sendRing, sendCompletionQueue } = options;
  const { receiveCompletionQueue = sendCompletionQueue } = options;
  const { sendQueueDepth = 128, receiveQueueDepth = 0, inlineBytesMax = 0 } = options;
  if (QueuePairType[type] === undefined)
    throw refuse('ibv_create_qp', 'EINVAL', `no such type: ${String(type)}`);
  if (!queuePairTypes.includes(type))
    throw refuse(
      'ibv_create_qp',
      'ENOTSUP',
      `${provider} has ${queuePairTypes.join(', ')}: no ${type}`,
    );
  if (receiveQueueDepth !== 0 && limits.receiveQueueDepthMax === 0)
    throw refuse('ibv_create_qp', 'ENOTSUP', `${provider} has no send and receive`);
  checkCount('send queue depth', sendQueueDepth, 1, limits.sendQueueDepthMax);
  checkCount('receive queue depth', receiveQueueDepth, 0, limits.receiveQueueDepthMax);
  checkCount('inline size', inlineBytesMax, 0, limits.inlineBytesMax);
  return {
    type,
    sendRing,
    sendCompletionQueue,
    receiveCompletionQueue,
    sendQueueDepth,
    receiveQueueDepth,
    inlineBytesMax,
  };
}

function checkCount(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw refuse('ibv_create_qp', 'EINVAL', `${name} ${value}, allowed are ${least} to ${most}`);
}
