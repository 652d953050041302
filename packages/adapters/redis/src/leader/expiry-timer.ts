import type { RedisStateMachine } from '../log/redis-state-machine.js';
import type { Clock } from './clock.js';
import type { CommandPipeline } from './command-pipeline.js';

/**
 * Active expiry: while this replica leads, proposes the removal of keys as their deadlines come.
 *
 * It looks again ten times a second at least, so a change of the clock or of the leader needs no notice.
 */
export class ExpiryTimer {
  readonly #stateMachine: RedisStateMachine;
  readonly #pipeline: CommandPipeline;
  readonly #clock: Clock;
  readonly #leads: () => boolean;
  #cancel: () => void = () => undefined;

  constructor(
    stateMachine: RedisStateMachine,
    pipeline: CommandPipeline,
    clock: Clock,
    leads: () => boolean,
  ) {
    this.#stateMachine = stateMachine;
    this.#pipeline = pipeline;
    this.#clock = clock;
    this.#leads = leads;
    this.#arm();
  }

  close(): void {
    this.#cancel();
  }

  #arm(): void {
    const next = this.#stateMachine.deadlines.nextMs() ?? Infinity;
    const delay = Math.min(Math.max(next - this.#clock.now(), DELAY_MS_MIN), DELAY_MS_MAX);
    this.#cancel = this.#clock.schedule(delay, () => {
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const next = this.#stateMachine.deadlines.nextMs();
    if (this.#leads() && next !== undefined && next <= this.#clock.now())
      this.#pipeline.expireDue();
  }
}

/** As often as Redis's own cycle at its default `hz`. */
const DELAY_MS_MIN = 10;
const DELAY_MS_MAX = 100;
