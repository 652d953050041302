import type { ReplicationPlane } from '../planes/replication-plane.ts';
import type { ReplicaId, TransferOutcome } from '../propose-outcome.ts';

/** How long a leader that is closed waits for a successor. */
const FAREWELL_MS = 250;

/** A leader's transfer as its caller sees it: over when another replica leads, and not before. */
export class Transfers<Result> {
  readonly #self: ReplicaId;
  readonly #waiting = new Set<(outcome: TransferOutcome) => void>();

  constructor(self: ReplicaId) {
    this.#self = self;
  }

  begin(plane: ReplicationPlane<Result>, to: ReplicaId | undefined): Promise<TransferOutcome> {
    return new Promise((resolve) => {
      plane.handOver.ask(to, (outcome) => {
        if (outcome.kind === 'handedOver') this.#waiting.add(resolve);
        else resolve(outcome);
      });
    });
  }

  /** Once a turn: whom this replica follows, and whether it leads itself, which it did no more. */
  look(leader: ReplicaId | undefined, leads: boolean): void {
    if (this.#waiting.size === 0) return;
    if (leads) this.#settle({ kind: 'rejected', reason: 'refused' });
    else if (leader !== undefined && leader !== this.#self)
      this.#settle({ kind: 'transferred', to: leader });
  }

  close(): void {
    this.#settle({ kind: 'rejected', reason: 'closed' });
  }

  #settle(outcome: TransferOutcome): void {
    for (const resolve of this.#waiting) resolve(outcome);
    this.#waiting.clear();
  }
}

/** Waits for the transfer of a leader that is being closed, but not for ever. */
export async function farewell(transfer: Promise<TransferOutcome>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, FAREWELL_MS)));
  await Promise.race([transfer, late]);
  clearTimeout(timer);
}
