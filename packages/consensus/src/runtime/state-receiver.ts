import type { Socket } from 'node:net';
import type { LogOffset } from '@mu-smr/log';
import { z } from 'zod';
import { REPLICAS_MAX } from '../core/proposal-number.ts';
import { ConsensusError } from '../errors.ts';
import type { ReplicationPlane } from '../planes/replication-plane.ts';
import type { StateMachine } from '../state-machine.ts';
import { readFrames, StateFrame, type ReceivedFrame } from './state-frames.ts';

/** How long a donor whose state does not suffice may have nothing more. */
const STALLED_MS = 1000;

const Incarnations = z.array(z.number().min(0)).max(REPLICAS_MAX);
const Header = z.object({
  at: z.int().min(0),
  members: z.object({ members: Incarnations, removed: Incarnations, since: z.int().min(0) }),
});

/** What the receiver sees of the leader, by the background plane. */
export interface LeaderView {
  /** Below this, some ring holds nothing any more. */
  readonly highestHead: () => number;
  /** Resolves once a leader was granted our log, or nobody asked for it for some time. */
  readonly hasAsked: () => Promise<void>;
}

type Frames = AsyncGenerator<ReceivedFrame, void, void>;

/**
 * Takes another replica's state, and the entries behind it, until nothing is missing that no ring
 * holds any more; then opens the log. Rejects with `ConsensusError`: STATE_TRANSFER when another
 * donor may do better, APPLY_FAILED when the state machine refuses what came.
 */
export async function receiveState<Result>(
  socket: Socket,
  plane: ReplicationPlane<Result>,
  stateMachine: StateMachine<Result>,
  leader: LeaderView,
): Promise<void> {
  const frames = readFrames(socket);
  try {
    const { at, members } = await readHeader(frames);
    if (at < plane.replayer.known) throw transfer(`the donor is at ${at}, behind us`);
    await stateMachine.restore(snapshotOf(frames)).catch((cause: Error) => {
      if (cause instanceof ConsensusError) throw cause;
      throw new ConsensusError('APPLY_FAILED', `the snapshot is refused: ${cause.message}`, {
        cause,
      });
    });
    plane.beginning.restored(at as LogOffset, { ...members, since: members.since as LogOffset });
    tellProgress(socket, at);
    socket.setTimeout(STALLED_MS, () =>
      socket.destroy(transfer('the donor has nothing more, and it does not suffice')),
    );
    for await (const { kind, payload } of frames) {
      // A state machine need not read all of its snapshot.
      if (kind === StateFrame.chunk || kind === StateFrame.snapshotEnd) continue;
      if (kind === StateFrame.entry) plane.beginning.takeIn(payload);
      else if (kind !== StateFrame.caughtUp) throw transfer(`a frame of kind ${kind}`);
      else if (payload[0] === 1 && plane.replayer.applied >= leader.highestHead()) {
        plane.beginning.open();
        socket.setTimeout(0);
        // Until then the donor keeps the ring from moving on without us.
        await leader.hasAsked();
        return;
      }
      tellProgress(socket, plane.replayer.applied);
    }
    throw transfer('the donor ended the connection');
  } finally {
    socket.destroy();
  }
}

/** The donor keeps recycling from passing us. */
function tellProgress(socket: Socket, applied: number): void {
  const progress = Buffer.alloc(8);
  progress.writeDoubleLE(applied);
  socket.write(progress);
}

async function readHeader(frames: Frames): Promise<z.infer<typeof Header>> {
  const { value } = await frames.next();
  if (value?.kind !== StateFrame.header) throw transfer('the donor sends no state');
  const header = Header.safeParse(JSON.parse(value.payload.toString('utf8')));
  if (!header.success) throw transfer('the header of the state is damaged');
  return header.data;
}

/** The chunks up to the snapshot's end; the frames behind it stay. */
async function* snapshotOf(frames: Frames): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    const { value } = await frames.next();
    if (value === undefined) throw transfer('the donor ended in the middle of its snapshot');
    if (value.kind === StateFrame.snapshotEnd) return;
    if (value.kind !== StateFrame.chunk) throw transfer(`a frame of kind ${value.kind}`);
    yield value.payload;
  }
}

function transfer(reason: string): ConsensusError {
  return new ConsensusError('STATE_TRANSFER', reason);
}
