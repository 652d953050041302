import type {
  Divergence,
  RemovalOutcome,
  ReplicaStatus,
  TimelineStep,
  TransferOutcome,
} from '@mu-smr/consensus';
import { noteStep } from '../output/take-over-steps.ts';
import type { ControlAnswer, Controlled } from './control.ts';

/** The part of a replica that is controlled. */
export interface ControlledReplica {
  status(): ReplicaStatus;
  remove(id: number): Promise<RemovalOutcome>;
  transfer(to?: number): Promise<TransferOutcome>;
  on(event: 'timeline', listener: (step: TimelineStep) => void): unknown;
  on(event: 'diverged', listener: (divergence: Divergence) => void): unknown;
}

/** What this process answers on its control socket: from before its replica starts, while it joins too. */
export class ReplicaControl implements Controlled {
  /** The application, once it serves clients. */
  running: { digest?(): string } | undefined;
  #replica: ControlledReplica | undefined;
  /** Of the last fail-over to this replica. */
  readonly #timeline: TimelineStep[] = [];

  made(replica: ControlledReplica): void {
    this.#replica = replica;
    replica.on('timeline', (step) => noteStep(this.#timeline, step));
    replica.on('diverged', ({ at, by, digest, own }) => {
      const { id } = replica.status();
      console.error(
        `replica ${id} DIVERGED: its state at ${at} is ${own}, that of leader ${by} is ${digest}`,
      );
    });
  }

  status(): ControlAnswer {
    return {
      status: this.#existing.status(),
      timeline: this.#timeline,
      digest: this.running?.digest?.(),
    };
  }

  async remove(id: number): Promise<RemovalOutcome> {
    return this.#existing.remove(id);
  }

  async transfer(to?: number): Promise<TransferOutcome> {
    return this.#existing.transfer(to);
  }

  get #existing(): ControlledReplica {
    if (this.#replica === undefined) throw new Error('there is no replica yet');
    return this.#replica;
  }
}
