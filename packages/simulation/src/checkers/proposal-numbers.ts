import { Int, REPLICAS_MAX } from '@mu-smr/consensus/planes';
import { HeaderCell, LOG_HEADER_BYTES, readMinProposal } from '@mu-smr/log';
import type { SimWriteEvent } from '@mu-smr/verbs';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';

/** I6: minProposal never decreases, not even in the middle of a write; proposal numbers are unique. */
export class ProposalNumbers implements Checker {
  readonly #promised = new Map<SimReplica, number>();
  /** The number under which each replica proposed last, and its epoch then. */
  readonly #used = new Map<SimReplica, { readonly proposal: number; readonly epoch: number }>();

  wrote(target: SimReplica, _source: SimReplica, event: SimWriteEvent): void {
    if (event.offset >= LOG_HEADER_BYTES) return;
    const [first, second] = HeaderCell.minProposal;
    const now = Math.max(readMinProposal(target.log, first), readMinProposal(target.log, second));
    const before = this.#promised.get(target) ?? 0;
    mustHold('I6', now >= before, () => `minProposal of ${target.host}: ${before}, then ${now}`);
    this.#promised.set(target, now);
  }

  stepped(replica: SimReplica): void {
    const { proposal } = replica.replication.fastPath.writer;
    if (proposal === 0 || replica.replication.phase === 'following') return;
    const epoch = replica.link.int(Int.epoch);
    const before = this.#used.get(replica);
    if (before?.proposal === proposal && before.epoch === epoch) return;
    mustHold(
      'I6',
      proposal % REPLICAS_MAX === replica.id && proposal > (before?.proposal ?? 0),
      () => `${replica.host} proposes under ${proposal} after ${before?.proposal}`,
    );
    this.#used.set(replica, { proposal, epoch });
  }
}
