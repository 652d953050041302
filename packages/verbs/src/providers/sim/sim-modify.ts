import { ACCESS_FLAGS_ALL } from '../../access-flags.ts';
import type { RawQueuePairChange } from '../../backend.ts';
import { refuse, VerbsError } from '../../errors.ts';
import { QueuePairState, queuePairStateName, transitionAllowed } from '../../queue-pair-state.ts';
import type { Random } from './random.ts';
import type { LinkTable } from './sim-faults.ts';
import { PSN_MASK, type SimQueuePair } from './sim-queue-pair.ts';

const VERB = 'ibv_modify_qp';

/** ibv_modify_qp(3). It is done when it returns: the very next piece that lands is checked by it. */
export function modifyQueuePair(
  queuePair: SimQueuePair,
  change: RawQueuePairChange,
  links: LinkTable,
  random: Random,
): void {
  const from = queuePairStateName(queuePair.state);
  const to = queuePairStateName(change.state);
  if (!transitionAllowed(from, to)) throw refuse(VERB, 'EINVAL', `${from} to ${to}`);
  const { accessFlags } = change;
  if (accessFlags !== undefined && (accessFlags & ~ACCESS_FLAGS_ALL) !== 0)
    throw refuse(VERB, 'EINVAL', `unknown access flags ${accessFlags}`);

  switch (to) {
    case 'reset':
      // Every work request is retired by a completion, also those that a reset drops.
      queuePair.flush();
      queuePair.accessFlags = 0;
      break;
    case 'init':
      break;
    case 'readyToReceive':
      connect(queuePair, change, links);
      break;
    case 'readyToSend':
      if (from === 'readyToSend') failAccessChange(queuePair, random);
      else queuePair.sendPsn = packetSequenceNumber(change.sendPacketSequenceNumber);
      break;
    case 'error':
      queuePair.fail();
      return;
  }
  if (accessFlags !== undefined) queuePair.accessFlags = accessFlags;
  queuePair.state = QueuePairState[to];
}

function connect(queuePair: SimQueuePair, change: RawQueuePairChange, links: LinkTable): void {
  const { remoteAddress, remoteQueuePairNumber } = change;
  const slash = remoteAddress?.lastIndexOf('/') ?? -1;
  if (remoteAddress === undefined || slash < 1 || remoteQueuePairNumber === undefined)
    throw refuse(VERB, 'EINVAL', 'RTR needs the peer: its address and queue pair number');
  queuePair.receivePsn = packetSequenceNumber(change.receivePacketSequenceNumber);
  queuePair.remoteAddress = remoteAddress;
  queuePair.remoteNumber = remoteQueuePairNumber;
  queuePair.link = links.between(queuePair.host.name, remoteAddress.slice(0, slash));
}

function packetSequenceNumber(number = 0): number {
  if ((number & PSN_MASK) !== number)
    throw refuse(VERB, 'EINVAL', `a packet sequence number has 24 bits: ${number}`);
  return number;
}

function failAccessChange(queuePair: SimQueuePair, random: Random): void {
  if (!random.chance(queuePair.link.faults.accessChangeFailProbability)) return;
  queuePair.fail();
  throw new VerbsError(VERB, 'EIO', 5, 'injected: the access flags could not be changed');
}
