// The guest's console, read as results: one line a test, as they come.

/** Collects `RESULT pass|fail|skip MS TITLE` lines; prints them, and what a failed test said. */
export class Results {
  passed = 0;
  failures = [];
  #suite = '';
  #print;

  constructor(print) {
    this.#print = print;
  }

  line(text) {
    const suite = /^SUITE (.+)$/.exec(text);
    const result = /^RESULT (pass|fail|skip) (\d+) (.+)$/.exec(text);
    if (suite !== null) {
      this.#suite = suite[1];
      this.#print(`\n${this.#suite}`);
    } else if (result !== null) {
      this.#count(result[1], Number(result[2]), result[3]);
    } else {
      this.#print(`    ${text}`);
    }
  }

  /** Whether the guest got as far as its tests. */
  get begun() {
    return this.#suite !== '';
  }

  #count(outcome, ms, title) {
    // In the guest everything is there: what is skipped there is tested nowhere.
    if (outcome === 'pass') this.passed++;
    else this.failures.push(`${this.#suite}: ${title}${outcome === 'skip' ? ' (skipped)' : ''}`);
    const mark = { pass: '✓', fail: '✗', skip: '✗ skipped:' }[outcome];
    this.#print(`  ${mark} ${title} (${ms} ms)`);
  }
}
