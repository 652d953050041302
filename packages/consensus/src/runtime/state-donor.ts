import type { Socket } from 'node:net';
import type { LogOffset } from '@mu-smr/log';
import { ConsensusError } from '../errors.ts';
import type { ReplicationPlane } from '../planes/replication-plane.ts';
import type { StateMachine } from '../state-machine.ts';
import type { Pins } from './pins.ts';
import { StateFrame, writeChunk, writeFrame } from './state-frames.ts';

/** Entries that wait to be sent while the snapshot still is; beyond, the transfer is given up. */
export const SUFFIX_BYTES_MAX = 64 * 1024 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * Sends the state as of now, then every entry that is applied from now on, until the receiver closes
 * the connection or falls behind too far; `sent` is called when the state itself is out. Nothing waits for it: commands are applied meanwhile.
 */
export async function giveState<Result>(
  socket: Socket,
  plane: ReplicationPlane<Result>,
  stateMachine: StateMachine<Result>,
  pins: Pins,
  sent: () => void,
): Promise<void> {
  const members = plane.membership.record;
  if (members === undefined) throw new ConsensusError('STATE_TRANSFER', 'there is no state yet');
  const { beginning, replayer } = plane;
  // In one turn: the state, its offset and the first entry behind it belong together.
  const at = replayer.applied;
  const chunks = stateMachine.snapshot();
  const suffix = new Suffix();
  const watcher = (offset: LogOffset, end: LogOffset): void =>
    suffix.push(beginning.copy(offset, end));
  replayer.watchers.add(watcher);
  socket.once('close', () => suffix.end());
  let pinned = false;
  socket.on('data', (progress: Buffer) => {
    // Whole numbers come in whole packets: eight bytes each, and the last one counts.
    if (progress.length < 8) return;
    pins.pin(socket, progress.readDoubleLE(progress.length - 8));
    if (!pinned) suffix.nudge();
    pinned = true;
  });
  socket.resume();
  try {
    await writeFrame(socket, StateFrame.header, Buffer.from(JSON.stringify({ at, members })));
    for await (const chunk of chunks) await writeChunk(socket, chunk);
    await writeFrame(socket, StateFrame.snapshotEnd, NOTHING);
    sent();
    for (;;) {
      for (let entry = suffix.take(); entry !== undefined; entry = suffix.take())
        await writeFrame(socket, StateFrame.entry, entry);
      await writeFrame(socket, StateFrame.caughtUp, Uint8Array.of(pinned ? 1 : 0));
      if (!(await suffix.more())) return;
    }
  } finally {
    replayer.watchers.delete(watcher);
    pins.release(socket);
    socket.destroy();
  }
}

/** Applied entries on their way to one receiver. */
class Suffix {
  #entries: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #nudged = false;
  #wake: (() => void) | undefined;

  push(entry: Uint8Array): void {
    if (this.#ended) return;
    this.#entries.push(entry);
    this.#bytes += entry.length;
    if (this.#bytes > SUFFIX_BYTES_MAX) this.end();
    this.#wake?.();
  }

  take(): Uint8Array | undefined {
    const entry = this.#entries.shift();
    this.#bytes -= entry?.length ?? 0;
    return entry;
  }

  /** There is something else to tell than entries. */
  nudge(): void {
    this.#nudged = true;
    this.#wake?.();
  }

  /** Resolves when there is something to tell; false when nothing more will be sent. */
  async more(): Promise<boolean> {
    while (this.#entries.length === 0 && !this.#ended && !this.#nudged)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#nudged = false;
    return !this.#ended;
  }

  end(): void {
    this.#ended = true;
    this.#entries = [];
    this.#wake?.();
  }
}
