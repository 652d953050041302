/**
 * A replicated log in RDMA-permissioned memory: layout, entries, and the arithmetic of its ring.
 *
 * @packageDocumentation
 */
export { appendToBatch, batchedBytes } from './batch.ts';
export { CircularArea, type Stretch } from './circular-area.ts';
export { CommandReader, CommandViews } from './command-reader.ts';
export { EntryRun } from './entry-run.ts';
export { EntryView, type SlotState } from './entry-view.ts';
export { EntryWriter, type GroupNonce } from './entry-writer.ts';
export { LogError } from './errors.ts';
export {
  readCommit,
  readMinProposal,
  writeCommit,
  writeMinProposal,
  type CommitAnnouncement,
} from './header-cells.ts';
export {
  checkGeometry,
  COMMIT_CELL_BYTES,
  Entry,
  ENTRY_ALIGNMENT,
  ENTRY_BYTES_MIN,
  ENTRY_OVERHEAD_BYTES,
  entryBytes,
  EntryKind,
  HeaderCell,
  LOG_HEADER_BYTES,
  logBytes,
  MIN_PROPOSAL_CELL_BYTES,
  undoPosition,
  type EntryKindName,
  type LogGeometry,
} from './layout.ts';
export { advance, LOG_BEGIN, type LogOffset, type ProposalNumber } from './offset.ts';
