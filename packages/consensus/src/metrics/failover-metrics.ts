import { Counter, Histogram, type Registry } from 'prom-client';
import type { TimelineStep } from '../replica-api.ts';
import { LATENCY_BOUNDS } from './bucket-counts.ts';

type Phase = 'request' | 'grants' | 'catchUp' | 'firstDecided';

/** Counts the fail-overs to a replica, and how long each of their phases took. */
export class FailoverMetrics {
  readonly #takeOvers: Counter;
  readonly #failovers: Counter;
  readonly #phases: Histogram<'phase'>;
  #suspectedAtUs: number | undefined;
  #last: TimelineStep['kind'] | undefined;
  /** When the phase before ended. */
  #lastUs: number | undefined;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#takeOvers = new Counter({
      name: 'mu_take_overs_total',
      help: 'Times that this replica became the leader, for whatever reason',
      registers,
    });
    this.#failovers = new Counter({
      name: 'mu_failovers_total',
      help: 'Times that this replica became the leader after it had suspected another',
      registers,
    });
    this.#phases = new Histogram({
      name: 'mu_failover_phase_seconds',
      help: 'Phases of fail-overs to this replica, each from the end of the one before',
      labelNames: ['phase'],
      buckets: [...LATENCY_BOUNDS],
      registers,
    });
  }

  observe(step: TimelineStep): void {
    // A leader that was deposed before it decided anything leaves a suspicion of its own behind.
    if (step.kind === 'requested' && this.#last !== 'suspected') this.#suspectedAtUs = undefined;
    this.#last = step.kind;
    switch (step.kind) {
      case 'suspected':
        this.#suspectedAtUs = step.atUs;
        this.#lastUs = step.atUs;
        break;
      case 'requested':
        if (this.#suspectedAtUs !== undefined) this.#ended('request', step.atUs);
        this.#lastUs = step.atUs;
        break;
      case 'granted':
        if (this.#lastUs !== undefined) this.#ended('grants', step.atUs, this.#lastUs);
        break;
      case 'caughtUp':
        this.#takeOvers.inc();
        if (this.#suspectedAtUs !== undefined) this.#failovers.inc();
        this.#ended('catchUp', step.atUs);
        break;
      case 'firstDecided':
        this.#ended('firstDecided', step.atUs);
        this.#suspectedAtUs = undefined;
        this.#lastUs = undefined;
    }
  }

  #ended(phase: Phase, atUs: number, sinceUs = this.#lastUs): void {
    if (sinceUs === undefined) return;
    this.#phases.observe({ phase }, Math.max(0, atUs - sinceUs) / 1e6);
    if (phase !== 'grants') this.#lastUs = atUs;
  }
}
