/** What is compared with what was before, and how much faster it has to be to go on. */
const ROUND_MS = 400;
const FASTER = 1.05;
/** So many rounds in a row that are no faster: V8 compiles the same code several times, and rests between. */
const NO_FASTER_ROUNDS = 8;
/** However slow it stays; a measurement of a few does with so long for each of them. */
const LONGEST_MS = 10_000;
const LONGEST_MS_EACH = 0.25;

/**
 * Does `work` again and again until it goes no faster; `measured` are to be measured after it. What is measured
 * is warm code, and V8 takes seconds where it compiles beside the replicas, on the processors that they leave.
 */
export function warmUp(measured: number, work: () => void): void {
  const until = performance.now() + Math.min(LONGEST_MS, LONGEST_MS_EACH * measured);
  let fastest = Infinity;
  for (let noFaster = 0; noFaster < NO_FASTER_ROUNDS && performance.now() < until;) {
    const took = meanOfRound(work);
    noFaster = took * FASTER > fastest ? noFaster + 1 : 0;
    fastest = Math.min(fastest, took);
  }
}

function meanOfRound(work: () => void): number {
  const begin = performance.now();
  let count = 0;
  let passed = 0;
  do {
    work();
    count++;
    passed = performance.now() - begin;
  } while (passed < ROUND_MS);
  return passed / count;
}
