import type { SimFaults } from '@mu-smr/verbs';

/** What a disturbance changes on a link, and what undoes it. */
export interface LinkFaults {
  readonly during: Partial<SimFaults>;
  readonly after: Partial<SimFaults>;
}

const CALM_REQUESTS = { minNs: 500, maxNs: 1500 };
const CALM_ACKNOWLEDGEMENTS = { minNs: 400, maxNs: 1200 };

/** A link on which everything, or only the completions, takes up to `us` longer. */
export function resolveLink(kind: 'slowLink' | 'lateCompletions', us: number): LinkFaults {
  const slow = { minNs: 500, maxNs: Math.min(us, 500) * 1000 };
  return kind === 'slowLink'
    ? { during: { requestDelayNs: slow }, after: { requestDelayNs: CALM_REQUESTS } }
    : {
        during: { acknowledgementDelayNs: slow },
        after: { acknowledgementDelayNs: CALM_ACKNOWLEDGEMENTS },
      };
}

/** A link without faults. */
export const CALM: Partial<SimFaults> = {
  requestDelayNs: CALM_REQUESTS,
  acknowledgementDelayNs: CALM_ACKNOWLEDGEMENTS,
  pieceDelayNs: { minNs: 5, maxNs: 100 },
  accessChangeFailProbability: 0,
};
