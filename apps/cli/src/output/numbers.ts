import { CliError } from '../errors.ts';

/** A whole number from the command line, within bounds. */
export function wholeNumber(
  name: string,
  text: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new CliError(
    'USAGE',
    `--${name} must be a whole number from ${min} to ${max}, not ${text}`,
    2,
  );
}

/** The value at a percentile (0–100) of unsorted numbers; 0 of none. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? sorted[0];
}
