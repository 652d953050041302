import { sealTrailer, trailerMatches } from '@mu-smr/verbs';
import { COMMIT_CELL_BYTES, MIN_PROPOSAL_CELL_BYTES } from './layout.ts';
import type { LogOffset, ProposalNumber } from './offset.ts';

function doubleAt(bytes: Uint8Array, at: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + at);
}

/** Stores a sealed `minProposal` cell at byte `at`. */
export function writeMinProposal(bytes: Uint8Array, at: number, proposal: ProposalNumber): void {
  doubleAt(bytes, at).setFloat64(0, proposal, true);
  sealTrailer(bytes, at, at + MIN_PROPOSAL_CELL_BYTES);
}

/** The cell's value; 0 when it was never written or its last write was cut off. */
export function readMinProposal(bytes: Uint8Array, at: number): ProposalNumber {
  if (!trailerMatches(bytes, at, at + MIN_PROPOSAL_CELL_BYTES)) return 0 as ProposalNumber;
  return doubleAt(bytes, at).getFloat64(0, true) as ProposalNumber;
}

/** What a leader that goes idle announces. */
export interface CommitAnnouncement {
  readonly firstUndecided: LogOffset;
  readonly release: LogOffset;
}

/** Stores a sealed commit cell at byte `at`. */
export function writeCommit(bytes: Uint8Array, at: number, commit: CommitAnnouncement): void {
  const view = doubleAt(bytes, at);
  view.setFloat64(0, commit.firstUndecided, true);
  view.setFloat64(8, commit.release, true);
  sealTrailer(bytes, at, at + COMMIT_CELL_BYTES);
}

/** The announcement, or `undefined` when there is none or its write was cut off. */
export function readCommit(bytes: Uint8Array, at: number): CommitAnnouncement | undefined {
  if (!trailerMatches(bytes, at, at + COMMIT_CELL_BYTES)) return undefined;
  const view = doubleAt(bytes, at);
  return {
    firstUndecided: view.getFloat64(0, true) as LogOffset,
    release: view.getFloat64(8, true) as LogOffset,
  };
}
