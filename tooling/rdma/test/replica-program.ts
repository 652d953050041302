// One replica in a process of its own, driven over IPC: see Member in group.ts.
import { createHash } from 'node:crypto';
import { Replica, type StateMachine } from '../../../packages/consensus/src/index.ts';
import type { Answer, Asked, Proposed, Start, StateReport } from './messages.ts';

/** A key-value store whose history is remembered: which command was applied how often, and in which order. */
class Store implements StateMachine<number> {
  readonly times = new Map<string, number>();
  order = '';

  apply(command: Uint8Array): number {
    const text = Buffer.from(command).toString();
    this.times.set(text, (this.times.get(text) ?? 0) + 1);
    this.order = createHash('sha256').update(this.order).update(text).digest('hex');
    return this.times.size;
  }

  snapshot(): Iterable<Uint8Array> {
    return [Buffer.from(JSON.stringify([this.order, ...this.times]))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const [order, ...times] = JSON.parse(Buffer.concat(parts).toString()) as [
      string,
      ...[string, number][],
    ];
    this.order = order;
    this.times.clear();
    for (const [command, count] of times) this.times.set(command, count);
  }
}

const store = new Store();
let replica: Replica<number> | undefined;

function started(): Replica<number> {
  if (replica === undefined) throw new Error('asked before it was started');
  return replica;
}

async function start({ id, replicas, device, ports }: Start): Promise<void> {
  replica = new Replica<number>({
    id,
    replicas,
    group: 'guest',
    secret: 'known to all three of them',
    ibverbs: { device, rendezvous: ports.map((port) => `127.0.0.1:${port}`) },
    geometry: { capacityBytes: 4 << 20, payloadBytesMax: 64 << 10, windowBytes: 256 << 10 },
    stateMachine: store,
  });
  replica.once('failed', (error) => {
    console.error(error);
    process.exit(1);
  });
  await replica.start({ deadlineMs: 60_000 });
}

/** Proposes commands, several at a time, and sorts them by how they ended. */
async function propose(asked: Asked & { action: 'propose' }): Promise<Proposed> {
  const result: Proposed = { decided: [], unknown: [], notDone: [], longestMs: 0 };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < asked.commands.length) {
      const command = asked.commands[next++];
      const began = performance.now();
      const outcome = await started().propose(Buffer.from(command));
      if (outcome.kind === 'decided')
        result.longestMs = Math.max(result.longestMs, performance.now() - began);
      if (outcome.kind === 'decided') result.decided.push(command);
      else if (outcome.kind === 'unknown') result.unknown.push(command);
      else result.notDone.push(command);
    }
  };
  await Promise.all(Array.from({ length: asked.concurrency }, work));
  return result;
}

function report(): StateReport {
  const { role, votes, applied, confirmedFollowers, counters, scheduling, peers } =
    started().status();
  const twice = [...store.times].filter(([, times]) => times > 1).map(([command]) => command);
  return {
    role,
    votes,
    applied,
    confirmedFollowers: [...confirmedFollowers],
    counters,
    scheduling,
    trusted: peers.filter((peer) => peer.trusted).map((peer) => peer.id),
    order: store.order,
    distinct: store.times.size,
    twice,
  };
}

async function answer(asked: Asked): Promise<unknown> {
  switch (asked.action) {
    case 'start':
      return start(asked);
    case 'propose':
      return propose(asked);
    case 'report':
      return report();
    case 'missing':
      return asked.commands.filter((command) => !store.times.has(command));
    case 'close':
      return started().close();
  }
}

process.on('message', ({ id, asked }: { id: number; asked: Asked }) => {
  answer(asked).then(
    (result) => process.send?.({ id, result } satisfies Answer),
    (error: Error) => process.send?.({ id, error: error.stack ?? error.message } satisfies Answer),
  );
});
// Whoever started us is gone: nobody will ask for anything any more.
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0 } satisfies Answer);
