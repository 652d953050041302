// What runs in the guest, in this order: seconds at most, and either a shell file of that name (the
// default) or a test file that is bundled for it.
export const SUITES = [
  { name: 'smoke', seconds: 60 },
  { name: 'compliance', seconds: 150, tests: 'packages/verbs/test/compliance/ibverbs.guest.ts' },
];

/** Programs that the suites start in processes of their own. */
export const PROGRAMS = {};
