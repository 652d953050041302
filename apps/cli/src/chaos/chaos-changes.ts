import type { Random } from '@mu-smr/simulation';
import { CliError } from '../errors.ts';
import type { LocalGroup } from '../group/local-group.ts';
import type { ChangeRequest } from '../members/change.ts';
import { GroupChanges } from '../members/group-changes.ts';

/** A removal that leaves fewer is asked for seldom: nobody can be killed until there are more again. */
const SMALL = 3;
const FORCED = 0.1;
/** How long a change may go on once nothing disturbs it any more. */
const UNDISTURBED_MS = 30_000;

/** How many changes of each kind were made. */
export interface ChangeCounts {
  additions: number;
  removals: number;
  replacements: number;
  /** Those that did not end although nothing disturbed them any more. */
  unfinished: number;
}

const COUNTED = { add: 'additions', remove: 'removals', replace: 'replacements' } as const;

/** The members of a group under chaos are changed as `mu add` and its siblings do it, one at a time. */
export class ChaosChanges {
  readonly counts: ChangeCounts = { additions: 0, removals: 0, replacements: 0, unfinished: 0 };
  /** Whose removal is under way. */
  readonly leaving = new Set<number>();
  /** Who is being added. */
  readonly joining = new Set<number>();
  readonly #group: LocalGroup;
  readonly #changes: GroupChanges;
  readonly #giveUp = new AbortController();
  #underWay: Promise<void> | undefined;

  constructor(group: LocalGroup) {
    this.#group = group;
    this.#changes = new GroupChanges(group);
  }

  /** Whether this replica belongs to the change that is under way: nobody else is to start it again. */
  concerns(id: number): boolean {
    return this.leaving.has(id) || this.joining.has(id);
  }

  /** Begins a change, unless one is under way; `victim` is who may have to go. */
  begin(random: Random, victim: number): void {
    if (this.#underWay !== undefined) return;
    const request = this.#choose(random, victim);
    if (request.kind !== 'add') this.leaving.add(request.id);
    if (request.kind === 'add') this.joining.add(request.id);
    if (request.kind === 'replace') this.joining.add(this.#group.places[0]);
    this.#underWay = this.#make(request);
  }

  /** Resolves when the last change has ended, or is given up. */
  async finish(): Promise<void> {
    const timer = setTimeout(() => this.abort(), UNDISTURBED_MS);
    await this.#underWay;
    clearTimeout(timer);
  }

  /** Gives up the change that is under way. */
  abort(): void {
    this.#giveUp.abort(new CliError('TIMEOUT', 'the change did not end'));
  }

  #choose(random: Random, victim: number): ChangeRequest & { readonly id: number } {
    const { members, places } = this.#group;
    const force = random.chance(FORCED);
    const removable = members.length > SMALL || force;
    const kinds: ChangeRequest['kind'][] = places.length > 0 ? ['add', 'replace'] : [];
    const kind = random.pick(removable ? [...kinds, 'remove' as const] : kinds);
    if (kind === 'add') return { kind, id: random.pick(places) };
    return kind === 'remove' ? { kind, id: victim, force } : { kind, id: victim };
  }

  async #make(request: ChangeRequest): Promise<void> {
    const { signal } = this.#giveUp;
    try {
      await this.#changes.make(request, () => undefined, signal);
      this.counts[COUNTED[request.kind]]++;
    } catch (error) {
      // What the group cannot bear is refused; what did not end is a finding.
      if (signal.aborted) this.counts.unfinished++;
      else if (!(error instanceof CliError)) throw error;
    } finally {
      this.leaving.clear();
      this.joining.clear();
      this.#underWay = undefined;
    }
  }
}
