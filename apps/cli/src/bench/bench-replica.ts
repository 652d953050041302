import { openSync, writeSync } from 'node:fs';
import { Replica, type TimelineStep } from '@mu-smr/consensus';
import { ibverbsDevice, shmDevice } from '@mu-smr/verbs';
import { monotonicUs } from '../output/clock.ts';
import { noteStep } from '../output/take-over-steps.ts';
import { CountingStateMachine, numberedCommand, setNumber } from './counting-state-machine.ts';
import type { BenchReport, FromBenchReplica, TakeOverTimes, ToBenchReplica } from './messages.ts';
import { measureOverNetwork, measureProposals } from './propose-loop.ts';
import { RawMesh } from './raw-mesh.ts';
import { measureWraps } from './wrap-loop.ts';

/** One replica of a benchmark, driven by its parent over IPC, on a thread of its own (direct mode). */
class BenchReplica {
  readonly #machine = new CountingStateMachine();
  readonly #replica: Replica<number>;
  readonly #mesh: RawMesh;
  readonly #overNetwork: boolean;
  readonly #number = { next: 1 };
  readonly #command: Uint8Array;
  readonly #notes: number;
  readonly #noted = new Uint8Array(4);
  readonly #timeline: TimelineStep[] = [];
  #writing = false;
  #unknowns = 0;
  #lastDecidedUs = 0;
  #firstDecidedUs = 0;
  #longestGapUs = 0;
  #litter: Litter | undefined;
  #led = false;
  #closing = false;

  constructor(start: ToBenchReplica & { kind: 'start' }) {
    const { id, replicas, fabric, fabricRttNs, ibverbs, geometry } = start;
    const device =
      ibverbs === undefined ? shmDevice({ fabric, fabricRttNs }) : ibverbsDevice(ibverbs.device);
    this.#mesh = new RawMesh(device, id, replicas);
    this.#overNetwork = ibverbs !== undefined;
    this.#command = numberedCommand(64, id);
    this.#notes = openSync(start.notesFile, 'w');
    this.#replica = new Replica<number>({
      id,
      replicas,
      group: 'bench',
      secret: 'the bench and its children only',
      fabric,
      fabricRttNs,
      ...(ibverbs === undefined ? {} : { ibverbs }),
      geometry,
      stateMachine: this.#machine,
    });
    this.#replica.on('timeline', (step) => {
      noteStep(this.#timeline, step);
      this.#tellTakeOver();
    });
    this.#replica.on('failed', (error) => {
      console.error(error.message);
      process.exit(1);
    });
    send({ kind: 'offer', offer: this.#mesh.offer });
  }

  async handle(message: ToBenchReplica): Promise<void> {
    if (message.kind === 'mesh') {
      this.#mesh.connect(message.offers);
      await this.#replica.start();
      this.#rehearse();
      send({ kind: 'ready' });
      this.#serve();
    } else if (message.kind === 'propose') {
      const measure = this.#overNetwork ? measureOverNetwork : measureProposals;
      const result = measure(this.#replica, this.#mesh, message.plan, this.#number);
      send({ kind: 'proposed', result });
    } else if (message.kind === 'wraps') {
      const result = measureWraps(this.#replica, this.#mesh, message, this.#number);
      send({ kind: 'wrapped', result });
    } else if (message.kind === 'write') {
      this.#writing = message.enabled;
      this.#lastDecidedUs = 0;
    } else if (message.kind === 'report') {
      send({ kind: 'report', report: this.#report() });
    } else if (message.kind === 'transfer') {
      send({ kind: 'transferring', atUs: monotonicUs() });
      await this.#replica.transfer();
    } else if (message.kind === 'litter') {
      this.#litter = new Litter();
    } else if (message.kind === 'close') {
      this.#closing = true;
      this.#mesh.close();
      await this.#replica.close();
      process.disconnect();
    }
  }

  #report(): BenchReport {
    const { last, duplicated, missing, hash: digest } = this.#machine;
    const { applied, capacityBytes, confirmedFollowers, counters } = this.#replica.status();
    const longestGapMs = this.#longestGapUs / 1e3;
    this.#longestGapUs = 0;
    return {
      last: [...last],
      duplicated,
      missing: [...missing],
      suspicions: counters.suspicions,
      leads: this.#replica.isLeader,
      confirmed: confirmedFollowers.length,
      ...{ digest, applied, capacityBytes, longestGapMs },
    };
  }

  /** Has the writing code compiled: a follower that takes over should not wait for its own parser. */
  #rehearse(): void {
    this.#note(0, 0);
    this.#tookOver();
    this.#tellTakeOver();
    timesOf([], monotonicUs());
  }

  /** Waits for leadership in short slices, writes while it lasts, and lets the event loop turn between. */
  #serve(): void {
    if (this.#closing) return;
    // Leadership also comes between two slices, when the background thread wakes the event loop.
    const leads =
      this.#replica.isLeader ||
      (!this.#overNetwork && this.#replica.waitForLeadershipSync(SLICE_MS));
    if (leads && !this.#led) this.#tookOver();
    else if (leads && this.#writing) this.#write(WRITES_PER_SLICE);
    this.#led = leads;
    this.#litter?.drop();
    // A leader writes at a pace that followers keep up with on shared cores: what is measured is the
    // fail-over, not the replay of a backlog.
    if (leads) setTimeout(() => this.#serve(), 1);
    // Over a network followers leave the processor to whatever moves packets.
    else if (this.#overNetwork) setTimeout(() => this.#serve(), SLICE_MS);
    else setImmediate(() => this.#serve());
  }

  #tookOver(): void {
    if (!this.#write(1)) return;
    this.#firstDecidedUs = this.#lastDecidedUs;
    this.#tellTakeOver();
  }

  /** Once the first command is decided and the replica has told its timeline, in whichever order. */
  #tellTakeOver(): void {
    if (this.#firstDecidedUs === 0 || this.#timeline.at(-1)?.kind !== 'caughtUp') return;
    send({ kind: 'tookOver', times: timesOf(this.#timeline, this.#firstDecidedUs) });
    this.#firstDecidedUs = 0;
  }

  #write(count: number): boolean {
    const command = this.#command;
    for (let n = 0; n < count; n++) {
      setNumber(command, this.#number.next);
      const outcome = this.#replica.proposeSync(command);
      this.#decided(monotonicUs());
      // Only a command that is definitely not done gives its number to the next.
      if (outcome.kind === 'notLeader' || outcome.kind === 'rejected') return false;
      this.#number.next++;
      if (outcome.kind === 'unknown') this.#note(++this.#unknowns, this.#number.next - 1);
      if (outcome.kind !== 'decided') return false;
      this.#note(0, outcome.result);
    }
    return true;
  }

  #decided(nowUs: number): void {
    const gapUs = this.#lastDecidedUs === 0 ? 0 : nowUs - this.#lastDecidedUs;
    this.#longestGapUs = Math.max(this.#longestGapUs, gapUs);
    this.#lastDecidedUs = nowUs;
  }

  /** Notes a number where it survives our SIGKILL: the last acknowledged, then the unknown ones. */
  #note(slot: number, number: number): void {
    for (let n = 0; n < 4; n++) this.#noted[n] = number >>> (8 * n);
    writeSync(this.#notes, this.#noted, 0, 4, 4 * slot);
  }
}

/** Garbage for V8: objects that live long enough to be moved, and then die. */
class Litter {
  readonly #kept: object[][] = [];
  #at = 0;

  drop(): void {
    this.#kept[this.#at++ % 64] = Array.from({ length: 5000 }, (_, n) => ({ n, text: String(n) }));
  }
}

/** How long one wait for leadership blocks the thread, and how many writes one turn makes. */
const SLICE_MS = 20;
const WRITES_PER_SLICE = 20;

function timesOf(timeline: readonly TimelineStep[], decidedUs: number): TakeOverTimes {
  const first = (kind: TimelineStep['kind']): number =>
    timeline.find((step) => step.kind === kind)?.atUs ?? decidedUs;
  const grants = timeline.filter((step) => step.kind === 'granted').map((step) => step.atUs);
  return {
    // A leader that hands over is suspected by nobody.
    suspectedUs: timeline.find((step) => step.kind === 'suspected')?.atUs ?? first('requested'),
    requestedUs: first('requested'),
    grantedUs: grants.length === 0 ? decidedUs : Math.max(...grants),
    caughtUpUs: first('caughtUp'),
    decidedUs,
  };
}

function send(message: FromBenchReplica): void {
  process.send?.(message);
}

let bench: BenchReplica | undefined;
process.on('message', (message: ToBenchReplica) => {
  if (message.kind === 'start') bench = new BenchReplica(message);
  else
    bench?.handle(message).catch((error: Error) => {
      console.error(error.message);
      process.exit(1);
    });
});
process.on('disconnect', () => process.exit());
