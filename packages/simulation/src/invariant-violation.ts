/** The rules of protocol.md that are checked after each step, and what else must never happen. */
export type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'I11'
  | 'I12'
  | 'I13'
  | 'I14'
  | 'I15'
  | 'I16'
  | 'I17'
  /** A replica threw: an assertion of its own, or a refusal by the library that it did not expect. */
  | 'exception'
  /** Two runs of one seed went different ways. */
  | 'determinism'
  /** Liveness, after the faults. */
  | 'L1'
  | 'L2'
  | 'L3'
  | 'L4'
  | 'L5'
  | 'L6';

/** A rule was broken: the run ends here, and its seed shows it again. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
  readonly invariant: Invariant;
  readonly detail: string;
  /** Filled in by the run that catches it. */
  seed = -1;
  step = -1;
  /** Virtual time. */
  timeUs = -1;

  constructor(invariant: Invariant, detail: string, options?: ErrorOptions) {
    super(`${invariant}: ${detail}`, options);
    this.invariant = invariant;
    this.detail = detail;
  }
}

/** Throws unless `holds`; `detail` is composed only then. */
export function mustHold(invariant: Invariant, holds: boolean, detail: () => string): void {
  if (!holds) throw new InvariantViolation(invariant, detail());
}
