const READINGS = 8;

/**
 * What `performance.now` leaves out of CLOCK_MONOTONIC, on which both clocks count: where the two were
 * read closest together, for the first reading may take milliseconds.
 */
function threadStartUs(): number {
  let closestUs = Number.POSITIVE_INFINITY;
  let startUs = 0;
  for (let reading = 0; reading < READINGS; reading++) {
    const before = Number(process.hrtime.bigint()) / 1e3;
    const now = performance.now() * 1e3;
    const apartUs = Number(process.hrtime.bigint()) / 1e3 - before;
    if (apartUs >= closestUs) continue;
    closestUs = apartUs;
    startUs = before + apartUs / 2 - now;
  }
  return startUs;
}

const THREAD_START_US = threadStartUs();

/** CLOCK_MONOTONIC in microseconds: comparable between processes of one machine. Allocates nothing. */
export function monotonicUs(): number {
  return THREAD_START_US + performance.now() * 1e3;
}
