/** What is bundled with each mutant: barrels of the simulator and of the scenarios. */
export { runSeed } from '../../src/run-seed.ts';
export * as scenarios from '../scenarios/old-epochs.ts';
