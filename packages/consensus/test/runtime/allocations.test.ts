import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PATH = new URL('../../bench/propose-path.mjs', import.meta.url).pathname;

// architecture.md, "The hot path": no allocation, no BigInt, no closure per proposal.
describe('a proposal on the fast path', () => {
  it('leaves nothing behind on the heap', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [PATH, '64', '200']);
    const { bytesPerProposal } = JSON.parse(stdout) as { bytesPerProposal: number };
    // Less than one smallest object each; what there is comes from the one step in 256 polls.
    expect(bytesPerProposal).toBeLessThan(16);
    // Else a collection came in between, and this test saw nothing.
    expect(bytesPerProposal).toBeGreaterThan(0);
  });
});
