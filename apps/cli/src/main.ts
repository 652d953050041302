import { Command, CommanderError } from 'commander';

/** Turns a command's work into commander's action; loaded when it is called, each with what it needs. */
type Action = <A extends unknown[]>(
  load: () => Promise<(...args: A) => Promise<number> | number>,
) => (...args: A) => Promise<void>;

/** Builds the `mu` command. Each action resolves with its exit status. */
function program(finish: (status: number) => void): Command {
  const mu = new Command('mu')
    .description('State machine replication at the microsecond scale')
    .showHelpAfterError('(mu --help tells more)')
    .exitOverride();
  const action: Action =
    (load) =>
    async (...args) =>
      finish(await (await load())(...args));

  mu.command('up <application>')
    .description(
      'start a group of replicas on this machine and show its state (application: redis, kv)',
    )
    .option('--replicas <n>', 'how many replicas', '3')
    .option('--spares <n>', 'for how many more there is room, for mu add', '2')
    .option('--group <name>', 'name of the group', 'default')
    .option('--port <port>', 'first client port (default: free ports)')
    .option('--log-bytes <n>', 'capacity of the log in bytes, a power of two')
    .option('--metrics-port <port>', 'metrics of replica 0; those of the others at the next ports')
    .option('--no-restart', 'leave a replica dead that ends: else it is started again, and joins')
    .action(action(async () => (await import('./commands/up.ts')).up));
  mu.command('run <application>')
    .description('run one replica of a group in the foreground')
    .requiredOption('--config <file>', 'cluster.json, the same at every replica')
    .requiredOption('--id <n>', 'which replica of it to run')
    .option('--fabric <device>', 'ibverbs:DEVICE[:PORT[:GID]] for a group over RDMA')
    .option('--metrics-port <port>', 'serve http://127.0.0.1:<port>/metrics to Prometheus')
    .action(action(async () => (await import('./commands/run.ts')).run));
  mu.command('status')
    .description('show the replicas of a local group')
    .option('--group <name>', 'which group (default: the only one)')
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/status.ts')).status));
  for (const [name, what] of [
    ['kill', 'kill a replica with SIGKILL'],
    ['pause', 'stop a replica with SIGSTOP'],
    ['resume', 'continue a paused replica'],
  ] as const)
    mu.command(`${name} <id>`)
      .description(`${what} (local group)`)
      .option('--group <name>', 'which group (default: the only one)')
      .action(
        action(async () => {
          const { signalReplica } = await import('./commands/signal.ts');
          return (id: string, options: { group?: string }) => signalReplica(name, id, options);
        }),
      );
  mu.command('doctor')
    .description('show what this machine offers, and what is missing')
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/doctor.ts')).doctor));
  mu.command('demo')
    .description('a replicated Redis that survives the death of its leader: what npm start shows')
    .option('--once', 'end after the demonstration; the exit status tells')
    .action(action(async () => (await import('./commands/demo.ts')).demo));
  addChanges(mu, action);
  addHunt(mu, action);
  addBenchmarks(mu, action);
  return mu;
}

function addChanges(mu: Command, action: Action): void {
  mu.command('transfer')
    .description('give leadership to another replica (local group)')
    .option('--group <name>', 'which group (default: the only one)')
    .option('--to <id>', 'to whom (default: the lowest id that is up to date)')
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/transfer.ts')).transfer));
  const change = (name: string, what: string): Command =>
    mu
      .command(name)
      .description(`${what} (local group)`)
      .option('--group <name>', 'which group (default: the only one)')
      .option('--timeout <seconds>', 'take the change back when it lasts longer', '60')
      .option('--json', 'one JSON object');
  change('add', 'start one more replica, which is given the state and votes')
    .option('--id <n>', 'its id (default: the lowest that is free)')
    .action(action(async () => (await import('./commands/change.ts')).add));
  change('remove <id>', 'remove a replica from the group, and end it')
    .option('--force', 'even where the rest would bear no failure')
    .action(action(async () => (await import('./commands/change.ts')).remove));
  change('replace <id>', 'add a replica and remove another, dead or alive').action(
    action(async () => (await import('./commands/change.ts')).replace),
  );
}

function addHunt(mu: Command, action: Action): void {
  mu.command('sim')
    .description(
      'whole clusters in virtual time, with faults, every invariant checked after each step',
    )
    .option('--seeds <n>', 'how many seeds', '200')
    .option('--first <seed>', 'the first seed', '1')
    .option('--faults <which>', 'all or none', 'all')
    .option('--threads <n>', 'threads that run seeds (default: as many as there are processors)')
    .option('--trace', 'print everything that happens in the first seed')
    .option('--mutants', 'plant defects into the sources, one by one: each must be caught')
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/sim.ts')).sim));
  mu.command('chaos')
    .description(
      'real replicas, killed, paused and blocked while clients record what they see: is it linearizable?',
    )
    .option('--minutes <m>', 'how long', '2')
    .option(
      '--seed <seed>',
      'what is done follows from it, when it happens to depends on the machine',
      '1',
    )
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/chaos.ts')).chaos));
}

function addBenchmarks(mu: Command, action: Action): void {
  const bench = mu
    .command('bench')
    .description('measure; docs/guides/performance.md explains the figures');
  bench
    .command('propose')
    .description('replication alone, beside the raw write of the same run')
    .option('--replicas <n>', 'replicas', '3')
    .option('--payload <bytes>', 'bytes of a command', '64')
    .option('--count <n>', 'commands', '1000000')
    .option('--outstanding <n>', 'entries in flight', '1')
    .option('--batch <n>', 'commands in an entry', '1')
    .option('--fabric-rtt-ns <ns>', 'modelled round trip', '0')
    .option('--fabric <devices>', 'ibverbs:DEVICE,DEVICE,…: over RDMA, one device for each replica')
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/bench-propose.ts')).benchPropose));
  bench
    .command('failover')
    .description('from the signal to the first command decided by the new leader')
    .option('--trials <n>', 'trials', '50')
    .option('--kind <kind>', 'kill, pause or graceful', 'kill')
    .option('--fabric <devices>', 'ibverbs:DEVICE,DEVICE,…: over RDMA, one device for each replica')
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/bench-failover.ts')).benchFailover));
  bench
    .command('redis')
    .description('bare, proxied, replicated, and WAIT 1, interleaved in one run')
    .option('--clients <n>', 'connections', '1')
    .option('--pipeline <n>', 'requests in flight per connection', '1')
    .option('--payload <bytes>', 'bytes of a value', '64')
    .option('--requests <n>', 'requests', '20000')
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/bench-redis.ts')).benchRedis));
  bench
    .command('soak')
    .description('for minutes: writes around the ring, idleness, or a machine with too much to do')
    .option('--kind <kind>', 'writes (and a follower is killed), idle, or load', 'writes')
    .option('--minutes <m>', 'how long', '10')
    .option('--json', 'one JSON object')
    .action(action(async () => (await import('./commands/bench-soak.ts')).benchSoak));
  bench
    .command('report')
    .description('every measurement, as one HTML page with plots and the JSON beside it')
    .option('--out <file>', 'the page', 'mu-report.html')
    .option('--quick', 'a short run that shows that all of it works')
    .option('--json', 'one JSON object: where the report is')
    .action(action(async () => (await import('./commands/bench-report.ts')).benchReport));
}

/** Runs the command line; errors become one line on stderr and an exit status. */
export async function main(argv: readonly string[]): Promise<void> {
  // Whoever read what we print may go away first; that is no reason to leave replicas behind.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await program((status) => (process.exitCode = status)).parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const { code, exitCode, message } = error as {
      code?: string;
      exitCode?: number;
      message: string;
    };
    console.error(`mu: ${message}${code === undefined ? '' : ` [${code}]`}`);
    process.exitCode = exitCode ?? 1;
  }
}
