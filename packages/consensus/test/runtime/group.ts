import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
// The background thread is a file of its own, so these tests run what was built.
import { Replica, type ReplicaOptions, type StateMachine } from '../../dist/index.js';

/** Records what it applies: the whole state of the tests' replicas. */
export class Journal implements StateMachine<number> {
  readonly applied: string[] = [];

  apply(command: Uint8Array): number {
    return this.applied.push(Buffer.from(command).toString());
  }

  snapshot(): Iterable<Uint8Array> {
    return [Buffer.from(JSON.stringify(this.applied))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.applied.splice(0, Infinity, ...(JSON.parse(Buffer.concat(parts).toString()) as string[]));
  }
}

/** A directory on the memory file system that belongs to one test. */
export interface TemporaryFabric {
  readonly path: string;
  remove(): void;
}

export function temporaryFabric(): TemporaryFabric {
  const path = mkdtempSync('/dev/shm/mu-test-');
  return {
    path: join(path, 'fabric'),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export function command(text: string): Uint8Array {
  return Buffer.from(text);
}

/** The only replica of its group, not started yet. */
export function lonelyReplica(
  fabric: TemporaryFabric,
  stateMachine: StateMachine<number> = new Journal(),
): Replica<number> {
  const group = { id: 0, replicas: 1, group: 'test', secret: 's' };
  return new Replica<number>({ ...group, fabric: fabric.path, stateMachine });
}

/** Replicas of one group in this process, each with a background thread of its own. */
export class TestGroup implements AsyncDisposable {
  readonly replicas: readonly Replica<number>[];
  readonly journals: readonly Journal[];
  readonly #fabric = temporaryFabric();

  private constructor(count: number, options: Partial<ReplicaOptions<number>>) {
    this.journals = Array.from({ length: count }, () => new Journal());
    this.replicas = this.journals.map(
      (stateMachine, id) =>
        new Replica<number>({
          id,
          replicas: count,
          group: 'test',
          secret: 'of the test',
          fabric: this.#fabric.path,
          stateMachine,
          ...options,
        }),
    );
  }

  static async start(
    count: number,
    options: Partial<ReplicaOptions<number>> = {},
  ): Promise<TestGroup> {
    const group = new TestGroup(count, options);
    await Promise.all(group.replicas.map((replica) => replica.start()));
    return group;
  }

  /** The replica that leads; waits for the event when none does yet. */
  async leader(): Promise<Replica<number>> {
    const leading = this.replicas.find((replica) => replica.isLeader);
    if (leading !== undefined) return leading;
    return new Promise((resolve) => {
      for (const replica of this.replicas)
        replica.on('role', () => {
          if (replica.isLeader) resolve(replica);
        });
    });
  }

  /** Proposes until it is decided: a leader may change in between on a busy machine. */
  async decide(text: string): Promise<number> {
    for (;;) {
      const outcome = await (await this.leader()).propose(command(text));
      if (outcome.kind === 'decided') return outcome.at;
      if (outcome.kind === 'unknown')
        throw new Error(`outcome of ${text} unknown: ${outcome.reason}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.close()));
    this.#fabric.remove();
  }
}
