import * as nodeTest from 'node:test';
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';
import * as chai from 'chai';

/**
 * The part of vitest's interface that the suites use, over Node's own test runner: vitest itself takes
 * longer to start in an emulated machine than the tests take.
 */
chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const { describe, beforeEach, afterEach, before: beforeAll, after: afterAll } = nodeTest;
export const expect = chai.expect;

/** A test; the time limit is in milliseconds. */
export function it(title: string, body: () => void | Promise<void>, timeout = 60_000): void {
  void nodeTest.it(title, { timeout }, async () => body());
}
