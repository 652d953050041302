// What runs in the guest, in this order: seconds at most, and either a shell file of that name (the
// default) or a test file that is bundled for it. The benchmarks run briefly, and for their figures when
// `bench` is named.
export const SUITES = [
  { name: 'smoke', seconds: 60 },
  { name: 'compliance', seconds: 200, tests: 'tooling/rdma/test/compliance.guest.ts' },
  { name: 'processes', seconds: 150, tests: 'tooling/rdma/test/processes.guest.ts' },
  { name: 'permission', seconds: 150, tests: 'tooling/rdma/test/permission.guest.ts' },
  { name: 'revocation', seconds: 200, tests: 'tooling/rdma/test/revocation.guest.ts' },
  { name: 'redis', seconds: 120, tests: 'tooling/rdma/test/redis.guest.ts' },
  { name: 'bench-briefly', seconds: 200, tests: 'tooling/rdma/test/bench-briefly.guest.ts' },
  { name: 'bench', seconds: 300, tests: 'tooling/rdma/test/bench.guest.ts', onlyNamed: true },
  { name: 'group', seconds: 400, tests: 'tooling/rdma/test/group.guest.ts' },
];

/** Programs that the suites start, and what those start in turn: they find each other by name. */
export const PROGRAMS = {
  'writer-program': 'tooling/rdma/test/writer-program.ts',
  'replica-program': 'tooling/rdma/test/replica-program.ts',
  'background-worker': 'packages/consensus/src/runtime/background-worker.ts',
};
