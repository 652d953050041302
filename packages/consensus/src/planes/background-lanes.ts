import type { QueuePairControl } from '@mu-smr/verbs';

/**
 * Packet sequence number of a lane's generation: both ends derive it, so that cycling a lane needs
 * no further exchange (providers.md, "Agreeing on sequence numbers").
 */
export function generationPsn(generation: number): number {
  return (generation * 65_537 + 1) & 0xff_ffff;
}

/** Our end of an outgoing lane, as the background plane handles it between epochs. */
export class OutgoingLane {
  readonly #control: QueuePairControl;
  #generation = 0;

  constructor(control: QueuePairControl) {
    this.#control = control;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Revives a lane that a refusal broke; the granter finds the new generation in our request. */
  repair(): void {
    if (this.#control.state === 'readyToSend') return;
    this.#generation++;
    const psn = generationPsn(this.#generation);
    this.#control.cycle({
      accessFlags: 0,
      receivePacketSequenceNumber: psn,
      sendPacketSequenceNumber: psn,
    });
  }
}
