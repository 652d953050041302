// Checks the model exhaustively with spin, and each of its mutants. Needs spin and a C compiler.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODEL = fileURLToPath(new URL('./mu.pml', import.meta.url));
/** Most memory that the search may take; it stops with an error when that is not enough. */
const MEMORY_MB = 3800;
const SECONDS_MAX = 300;

/** Small enough to be searched to the end, large enough that the mutants below are found in them. */
const CONFIGURATIONS = {
  agreement: {
    what: 'one offset, each of two leaders begins two epochs',
    defines: ['EPOCHS=2', 'OFFSETS=1', 'RING=1', 'PAIRS'],
  },
  pipeline: {
    what: 'two offsets, each of two leaders begins one epoch, over majorities and over all',
    defines: ['EPOCHS=1', 'OFFSETS=2', 'RING=2'],
  },
  recycling: {
    what: 'two offsets in a ring of one slot, each of two leaders begins one epoch',
    defines: ['EPOCHS=1', 'OFFSETS=2', 'RING=1'],
  },
};

const MUTANTS = {
  NO_REVOKE: 'recycling',
  GRANT_FIRST: 'recycling',
  STALE_WRITE: 'recycling',
  ONE_ACK: 'recycling',
  SKIP_PREPARE: 'recycling',
  NO_PROMISE: 'recycling',
  NO_UPDATE: 'pipeline',
  COMMIT_BEYOND: 'pipeline',
  NO_CATCH_UP: 'recycling',
  NO_ZERO: 'recycling',
  RELEASE_EARLY: 'recycling',
  NO_LIMIT: 'recycling',
  LOWEST: 'agreement',
  NO_UNDO: 'agreement',
  NO_ROLL_BACK: 'agreement',
  NO_PROOF: 'agreement',
};

/** Builds a search of the model and runs it; what was violated, and how many states there are. */
function search(defines) {
  const folder = mkdtempSync(join(tmpdir(), 'mu-model-'));
  const run = (command, args) => {
    const options = { cwd: folder, encoding: 'utf8', timeout: SECONDS_MAX * 1000 };
    const result = spawnSync(command, args, options);
    if (result.error !== undefined) throw result.error;
    return result;
  };
  try {
    const generated = run('spin', ['-a', ...defines.map((one) => `-D${one}`), MODEL]);
    if (generated.status !== 0) throw new Error(`spin: ${generated.stdout}`);
    const flags = ['-O3', '-w', '-DSAFETY', '-DCOLLAPSE', '-DNOBOUNDCHECK'];
    const built = run('gcc', [...flags, `-DMEMLIM=${MEMORY_MB}`, '-o', 'pan', 'pan.c']);
    if (built.status !== 0) throw new Error(`gcc: ${built.stderr}`);
    const { stdout } = run('./pan', ['-m400000', '-w26']);
    const errors = /errors: (\d+)/.exec(stdout)?.[1];
    const states = /(\d+) states, stored/.exec(stdout)?.[1];
    const cut = /max search depth too small|reached -DMEMLIM|out of memory/.exec(stdout)?.[0];
    const violated = /assertion violated (.*) \(at depth/.exec(stdout)?.[1];
    if (errors === undefined || (cut !== undefined && errors === '0'))
      throw new Error(`the search did not end: ${cut ?? stdout}`);
    return { violated: errors === '0' ? undefined : (violated ?? stdout), states: Number(states) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function seconds(work) {
  const begin = performance.now();
  const result = work();
  return { ...result, took: `${((performance.now() - begin) / 1000).toFixed(1)} s` };
}

function main() {
  if (spawnSync('spin', ['-V']).error !== undefined) {
    console.error('the model needs spin: sudo apt-get install spin');
    return 1;
  }
  let wrong = 0;
  for (const [name, { what, defines }] of Object.entries(CONFIGURATIONS)) {
    const { violated, states, took } = seconds(() => search(defines));
    console.log(`model ${name}: ${what}: ${states} states in ${took}: ${violated ?? 'holds'}`);
    if (violated !== undefined) wrong++;
  }
  for (const [mutant, configuration] of Object.entries(MUTANTS)) {
    const { defines } = CONFIGURATIONS[configuration];
    const { violated, took } = seconds(() => search([...defines, `MUTANT_${mutant}`]));
    const caught = violated === undefined ? 'SURVIVED' : 'caught';
    console.log(`mutant ${mutant} in ${configuration}: ${caught} in ${took}`);
    if (violated === undefined) wrong++;
  }
  return wrong === 0 ? 0 : 1;
}

process.exitCode = main();
