import { join } from 'node:path';
import { afterEach } from 'vitest';
import { PeerProcess } from '../../../packages/verbs/test/compliance/peer-client.ts';
import { processCases } from '../../../packages/verbs/test/compliance/process-cases.ts';
import { fixture } from './devices.ts';

/** It runs the built package, as it stands in the tree. */
const PEER = join(process.cwd(), 'packages/verbs/test/compliance/peer-process.mjs');

let peers: PeerProcess[] = [];
afterEach(async () => {
  for (const peer of peers) await peer.stop();
  peers = [];
});

// We are on rxe0, and each peer on a device of its own.
processCases({
  fixture: () => fixture,
  additions: 500,
  start: async (n, regionBytes) => {
    const peer = await PeerProcess.start({ device: `rxe${n + 1}` }, regionBytes, PEER);
    peers.push(peer);
    return peer;
  },
});
