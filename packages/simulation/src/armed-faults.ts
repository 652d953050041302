import { HeaderCell, LOG_HEADER_BYTES } from '@mu-smr/log';
import type { SimWriteEvent } from '@mu-smr/verbs';
import type { Checker } from './checkers.ts';
import type { Random } from './random.ts';
import type { SimReplica } from './sim-replica.ts';

/** The point of the protocol at which a fault strikes, and whom. */
interface ArmedFault {
  readonly trigger: 'piece' | 'landed' | 'cell' | 'proof' | 'switch' | 'leading' | 'apply';
  readonly effect:
    | 'stopSource'
    | 'stopAndHide'
    | 'dropLane'
    | 'crashSource'
    | 'crashTarget'
    | 'crashHere'
    | 'crashSoon';
}

const ARMED = {
  /** The poster stops in the middle of a write to a log; other followers' writes stop with it. */
  stopMidWrite: { trigger: 'piece', effect: 'stopSource' },
  dropMidWrite: { trigger: 'piece', effect: 'dropLane' },
  crashMidWrite: { trigger: 'piece', effect: 'crashSource' },
  /** Between two followers, before the completion: the bytes are there, their poster does not know. */
  stopAfterWrite: { trigger: 'landed', effect: 'stopSource' },
  /** The same, and whoever leads next does not see the one log that holds the entry. */
  stopAndHide: { trigger: 'landed', effect: 'stopAndHide' },
  /** The completion says OK although the target dies at once. */
  crashWrittenTarget: { trigger: 'landed', effect: 'crashTarget' },
  /** Between promise and accept. */
  stopAfterPromise: { trigger: 'cell', effect: 'stopSource' },
  /** Inside a read. */
  stopInsideRead: { trigger: 'proof', effect: 'stopSource' },
  /** Between revoking and granting, or in the middle of the slow switch. */
  crashMidSwitch: { trigger: 'switch', effect: 'crashHere' },
  /** The granter dies when it has granted. */
  crashAfterGrant: { trigger: 'switch', effect: 'crashSoon' },
  crashOnLeading: { trigger: 'leading', effect: 'crashHere' },
  stopOnLeading: { trigger: 'leading', effect: 'stopSource' },
  /** `apply` throws, which ends the process. */
  crashInApply: { trigger: 'apply', effect: 'crashHere' },
} as const satisfies Record<string, ArmedFault>;

export type ArmedKind = keyof typeof ARMED;
export const ARMED_KINDS = Object.keys(ARMED) as readonly ArmedKind[];

export function isArmed(kind: string): kind is ArmedKind {
  return kind in ARMED;
}

/** How the effects are done. */
export interface ArmedEffects {
  pause(replica: SimReplica, us: number): void;
  /** For a while nobody reaches the replica. */
  hide(replica: SimReplica): void;
  mayCrash(victim: SimReplica): boolean;
  dropConnection(queuePairNumber: number): void;
  schedule(delayNs: number, action: () => void): void;
  fault(text: string): void;
}

interface Waiting {
  readonly kind: ArmedKind;
  readonly us: number;
  readonly random: Random;
  /** Strikes only while the poster takes over: what is written then may be decided already. */
  readonly whileTakingOver: boolean;
  skip: number;
}

/** Faults that wait for a point of the protocol: a write half landed, a switch half made. */
export class ArmedFaults {
  readonly #effects: ArmedEffects;
  #waiting: Waiting[] = [];

  constructor(effects: ArmedEffects) {
    this.#effects = effects;
  }

  arm(kind: ArmedKind, us: number, random: Random): void {
    const skip = random.pick([0, 0, 2, 12]);
    this.#waiting.push({ kind, us, random, whileTakingOver: random.chance(0.5), skip });
  }

  disarm(): void {
    this.#waiting = [];
  }

  /** To be the last observer: it may end the step that it is told of. */
  readonly observer = {
    wrote: (target: SimReplica, source: SimReplica, event: SimWriteEvent): void => {
      if (this.#waiting.length === 0 || target === source) return;
      this.#strike(triggerOf(event), source, target, event.sourceQueuePairNumber);
    },
    permissionChanged: (replica: SimReplica): void => this.#strike('switch', replica),
    leading: (replica: SimReplica): void => this.#strike('leading', replica),
    applied: (replica: SimReplica): void => this.#strike('apply', replica),
  } satisfies Checker;

  #strike(
    trigger: ArmedFault['trigger'] | undefined,
    source: SimReplica,
    target = source,
    queuePairNumber = -1,
  ): void {
    for (const armed of this.#waiting) {
      if (ARMED[armed.kind].trigger !== trigger || source.paused || source.crashed) continue;
      const aimed = trigger === 'piece' || trigger === 'landed' || trigger === 'cell';
      if (aimed && armed.whileTakingOver && source.replication.phase !== 'takingOver') continue;
      if (armed.skip-- > 0) continue;
      this.#waiting = this.#waiting.filter((other) => other !== armed);
      this.#do(armed, source, target, queuePairNumber);
      return;
    }
  }

  #do({ kind, us, random }: Waiting, source: SimReplica, target: SimReplica, qp: number): void {
    const { effect } = ARMED[kind];
    const who = effect === 'crashTarget' ? target : source;
    if (effect.startsWith('crash') && (who.crashed || !this.#effects.mayCrash(who))) return;
    this.#effects.fault(`${kind} ${who.host}`);
    switch (effect) {
      case 'stopSource':
        this.#effects.pause(source, us + 500);
        return;
      case 'stopAndHide':
        this.#effects.pause(source, us + 500);
        this.#effects.hide(target);
        return;
      case 'dropLane':
        this.#effects.dropConnection(qp);
        return;
      case 'crashHere':
        who.dieHere();
        return;
      case 'crashSoon':
        this.#effects.schedule(random.between(0, 20_000), () => {
          if (!who.crashed && this.#effects.mayCrash(who)) who.crash();
        });
        return;
      default:
        who.crash();
    }
  }
}

function triggerOf(event: SimWriteEvent): ArmedFault['trigger'] | undefined {
  if (event.offset >= LOG_HEADER_BYTES) return event.last ? 'landed' : 'piece';
  if (event.offset >= HeaderCell.proof) return 'proof';
  return event.last && event.offset < HeaderCell.commit ? 'cell' : undefined;
}
