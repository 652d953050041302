/** What a thread of `simulateInParallel` runs: ranges of seeds, one after the other. */
import { parentPort } from 'node:worker_threads';
import { simulate, type SimulateOptions } from './simulate.ts';

parentPort?.on('message', (options: SimulateOptions) => parentPort?.postMessage(simulate(options)));
