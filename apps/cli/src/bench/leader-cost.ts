import {
  DEFAULT_TUNING,
  oneThreadGroup,
  setV8Flags,
  type OneThreadMember,
} from '@mu-smr/consensus/planes';
import { entryBytes } from '@mu-smr/log';
import { shmDevice, type Device } from '@mu-smr/verbs';
import { CountingStateMachine, numberedCommand, setNumber } from './counting-state-machine.ts';
import { serveMeasurement } from './measuring-process.ts';
import { RawMesh } from './raw-mesh.ts';
import { warmUp } from './warm-up.ts';

/** Nanoseconds of the leader's thread, medians of blocks. */
export interface LeaderCost {
  readonly replicas: number;
  readonly payloadBytes: number;
  /** From a command to its result: decided and applied at the leader. */
  readonly proposalNs: number;
  /** The limit: the same bytes to the same peers, written in C++ until a majority has them. */
  readonly rawNs: number;
}

export interface LeaderCostPlan {
  readonly replicas: readonly number[];
  readonly payloads: readonly number[];
  readonly blocks: number;
}

const GEOMETRY = { capacityBytes: 1 << 24, payloadBytesMax: 1 << 19, windowBytes: 1 << 21 };
/** A block of proposals: much beside a clock read, little beside the ring. */
const BLOCK_BYTES = 512 * 1024;
/** Until followers' progress is known to the leader, and the ring is recycled. */
const TICKS_TO_ROOM = 4;
const TICKS_MAX = 100_000;

/** A whole group in one thread: only the leader's proposals are timed, and nobody is ever waited for. */
class SteppedGroup {
  readonly #members;
  readonly #leader;
  readonly #meshes: readonly RawMesh[];
  readonly #contexts;
  #nowUs = 1e6 + 0.5;
  #number = 1;

  constructor(device: Device, replicas: number) {
    this.#contexts = Array.from({ length: replicas }, () => device.open());
    this.#members = oneThreadGroup({
      contexts: this.#contexts,
      geometry: GEOMETRY,
      tuning: DEFAULT_TUNING,
      nowUs: () => this.#nowUs,
      stateMachine: () => new CountingStateMachine(),
    });
    this.#leader = this.#elect();
    this.#meshes = this.#contexts.map((_, id) => new RawMesh(device, id, replicas));
    const offers = this.#meshes.map(({ offer }) => offer);
    for (const mesh of this.#meshes) mesh.connect(offers);
  }

  measure(payloadBytes: number, blocks: number): Omit<LeaderCost, 'replicas'> {
    const bytes = entryBytes(payloadBytes);
    const each = Math.floor(BLOCK_BYTES / bytes);
    const command = numberedCommand(payloadBytes, this.#leader.id);
    const raw = this.#meshes[this.#leader.id].rounds(bytes);
    const both = (): [number, number] => [this.#propose(command, each), raw.run(each) / each];
    warmUp(blocks * each, both);
    const measured = Array.from({ length: blocks }, both);
    const [proposalNs, rawNs] = [0, 1].map((n) => median(measured.map((one) => one[n])));
    return { payloadBytes, proposalNs, rawNs };
  }

  close(): void {
    for (const mesh of this.#meshes) mesh.close();
    for (const context of this.#contexts) context.close();
  }

  #propose(command: Uint8Array, count: number): number {
    const begin = performance.now();
    for (let n = 0; n < count; n++) {
      setNumber(command, this.#number++);
      const outcome = this.#leader.direct.propose(command);
      if (outcome?.kind !== 'decided') throw new Error(`proposal ended ${outcome?.kind}`);
    }
    const took = performance.now() - begin;
    this.#catchUp();
    return (took * 1e6) / count;
  }

  /** Everybody has applied everything, and the leader knows it and has room again. */
  #catchUp(): void {
    const { applied } = this.#leader.replication.replayer;
    this.#tickUntil(() =>
      this.#members.every(({ replication }) => replication.replayer.applied >= applied),
    );
    for (let n = 0; n < TICKS_TO_ROOM; n++) this.#tick();
  }

  #elect(): OneThreadMember<number> {
    const leading = (): OneThreadMember<number> | undefined =>
      this.#members.find(({ replication }) => replication.leading);
    this.#tickUntil(() => leading() !== undefined);
    return leading() as OneThreadMember<number>;
  }

  #tickUntil(done: () => boolean): void {
    for (let ticks = 0; ticks < TICKS_MAX; ticks++) {
      this.#tick();
      if (done()) return;
    }
    throw new Error(`the group came no further in ${TICKS_MAX} ticks`);
  }

  #tick(): void {
    this.#nowUs += DEFAULT_TUNING.tickUs;
    for (const { background, replication } of this.#members) {
      background.step(this.#nowUs);
      replication.step();
    }
  }
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}

serveMeasurement<LeaderCostPlan, LeaderCost>((fabric, { replicas, payloads, blocks }, found) => {
  setV8Flags();
  for (const size of replicas) {
    const group = new SteppedGroup(shmDevice({ fabric }), size);
    for (const payload of payloads) found({ replicas: size, ...group.measure(payload, blocks) });
    group.close();
  }
});
