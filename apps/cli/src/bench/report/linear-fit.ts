/** The plane through points that leaves the least squares of relative differences. */
export interface LinearFit {
  readonly coefficients: readonly number[];
  /** Share of the variance that the plane explains; 1 = all. */
  readonly rSquared: number;
  /** Differences between points and the plane as shares of the points: the middle one, and the greatest. */
  readonly residualMedian: number;
  readonly residualMax: number;
  predict(inputs: readonly number[]): number;
}

/**
 * Fits `y = Σ coefficient × input`; give a constant 1 among the inputs for an intercept. No y may be 0:
 * each point weighs as much as its difference is of it, or the greatest would decide alone.
 */
export function linearFit(
  points: readonly { readonly inputs: readonly number[]; readonly y: number }[],
): LinearFit {
  const width = points[0].inputs.length;
  // The normal equations, each row with its right-hand side.
  const rows = Array.from({ length: width }, (_, row) => [
    ...Array.from({ length: width }, (_, column) =>
      sum(points.map(({ inputs, y }) => (inputs[row] * inputs[column]) / y ** 2)),
    ),
    sum(points.map(({ inputs, y }) => inputs[row] / y)),
  ]);
  const coefficients = solve(rows);
  const predict = (inputs: readonly number[]): number =>
    sum(inputs.map((input, n) => input * coefficients[n]));

  const mean = sum(points.map(({ y }) => y)) / points.length;
  const unexplained = sum(points.map(({ inputs, y }) => (y - predict(inputs)) ** 2));
  const all = sum(points.map(({ y }) => (y - mean) ** 2));
  const residuals = points
    .map(({ inputs, y }) => Math.abs(y - predict(inputs)) / y)
    .sort((a, b) => a - b);
  return {
    coefficients,
    rSquared: 1 - unexplained / all,
    residualMedian: residuals[residuals.length >> 1],
    residualMax: residuals[residuals.length - 1],
    predict,
  };
}

/** Gauss–Jordan with the greatest pivot of a column. */
function solve(equations: readonly (readonly number[])[]): number[] {
  const rows = equations.map((row) => [...row]);
  for (let column = 0; column < rows.length; column++) {
    const rest = rows.slice(column).map((row) => Math.abs(row[column]));
    const pivot = column + rest.indexOf(Math.max(...rest));
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (const [n, row] of rows.entries()) {
      if (n === column) continue;
      const factor = row[column] / rows[column][column];
      for (let at = column; at < row.length; at++) row[at] -= factor * rows[column][at];
    }
  }
  return rows.map((row, n) => row[rows.length] / row[n]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
