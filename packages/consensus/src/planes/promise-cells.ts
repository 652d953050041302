import {
  HeaderCell,
  MIN_PROPOSAL_CELL_BYTES,
  readMinProposal,
  writeMinProposal,
  type ProposalNumber,
} from '@mu-smr/log';
import type { Lane } from './lane.ts';
import type { LogAccess } from './log-access.ts';

const [FIRST, SECOND] = HeaderCell.minProposal;

/** What a log has promised: its `minProposal`, and the cell in which a higher one is to be stored. */
export interface Promised {
  readonly proposal: ProposalNumber;
  readonly cell: number;
}

/** Posts the read of both `minProposal` cells of a log, into the lane's staging area. */
export function readPromise(access: LogAccess, lane: Lane, purpose?: number): void {
  const bytes = SECOND + MIN_PROPOSAL_CELL_BYTES - FIRST;
  access.read(lane, FIRST, bytes, access.layout.cellsAt(lane.to), purpose);
}

/** What the completed read has brought. */
export function promised(access: LogAccess, lane: Lane): Promised {
  const at = access.layout.cellsAt(lane.to);
  const first = readMinProposal(access.staging, at);
  const second = readMinProposal(access.staging, at + SECOND - FIRST);
  // The smaller is overwritten, so a write that is cut off never loses the larger (I6).
  return first <= second ? { proposal: second, cell: FIRST } : { proposal: first, cell: SECOND };
}

/** Posts the write of a higher `minProposal`. */
export function writePromise(
  access: LogAccess,
  lane: Lane,
  cell: number,
  proposal: ProposalNumber,
  purpose?: number,
): void {
  const at = access.layout.cellsAt(lane.to);
  writeMinProposal(access.staging, at, proposal);
  access.write(lane, at, MIN_PROPOSAL_CELL_BYTES, cell, purpose);
}
