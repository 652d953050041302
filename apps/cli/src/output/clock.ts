/** CLOCK_MONOTONIC in microseconds: comparable between processes of one machine. */
export function monotonicUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
}
