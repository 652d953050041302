import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PATH = new URL('../../bench/propose-path.mjs', import.meta.url).pathname;

// docs/decisions/0002-rings-and-doorbell.md: no allocation, BigInt or closure per proposal.
describe('a proposal on the fast path', () => {
  it('leaves nothing behind on the heap', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [PATH, '64', '200']);
    const { bytesPerProposal } = JSON.parse(stdout) as { bytesPerProposal: number };
    // Less than one smallest object each; what there is comes from the one step in 256 polls.
    expect(bytesPerProposal).toBeLessThan(16);
    // Less than nothing: collections came in between, so there was something to collect.
    expect(bytesPerProposal).toBeGreaterThanOrEqual(0);
  });
});
