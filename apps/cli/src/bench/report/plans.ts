import type { Part } from './part.ts';
import { failoverPart } from './parts/failover.ts';
import { growthPart } from './parts/growth.ts';
import { leaderCostPart } from './parts/leader-cost.ts';
import { modelledPart } from './parts/modelled.ts';
import { permissionsPart } from './parts/permissions.ts';
import { redisPart } from './parts/redis.ts';
import { throughputPart } from './parts/throughput.ts';
import { wrapsPart } from './parts/wraps.ts';

const MEBIBYTE = 1024 * 1024;
const POWERS_TO_128 = [1, 2, 4, 8, 16, 32, 64, 128];
const SIZES = {
  replicas: [3, 5, 7, 9],
  payloads: [32, 64, 128, 256, 512, 1024, 2048, 4096],
};

/** Every measurement of the report, as long as figures need. */
export function fullPlan(): readonly Part<unknown>[] {
  return [
    growthPart({ ...SIZES, count: 100_000 }),
    leaderCostPart({ ...SIZES, blocks: 200 }),
    throughputPart({ batches: POWERS_TO_128, outstanding: [1, 2, 4, 8], count: 100_000 }),
    wrapsPart({ wraps: 10, ringBytes: MEBIBYTE }),
    modelledPart({ roundTripsNs: [500, 1150, 2500, 5000], count: 100_000 }),
    failoverPart({ trials: 50 }),
    permissionsPart({
      regionBytes: [1, 4, 16, 64, 256].map((size) => size * MEBIBYTE),
      switches: 5000,
      registrations: 20,
    }),
    redisPart({
      settings: [
        { clients: 1, pipeline: 1 },
        { clients: 16, pipeline: 1 },
        { clients: 1, pipeline: 16 },
      ],
      requests: 20_000,
    }),
  ];
}

/** The same parts in under a minute: shows that all of it works; its figures mean little. */
export function quickPlan(): readonly Part<unknown>[] {
  return [
    growthPart({ replicas: [3, 5], payloads: [64, 1024, 4096], count: 2000 }),
    leaderCostPart({ replicas: [3, 9], payloads: [64, 1024], blocks: 5 }),
    throughputPart({ batches: [1, 128], outstanding: [1, 8], count: 2000 }),
    wrapsPart({ wraps: 2, ringBytes: MEBIBYTE }),
    modelledPart({ roundTripsNs: [1150], count: 2000 }),
    failoverPart({ trials: 1 }),
    permissionsPart({ regionBytes: [MEBIBYTE, 4 * MEBIBYTE], switches: 200, registrations: 5 }),
    redisPart({ settings: [{ clients: 1, pipeline: 1 }], requests: 400 }),
  ];
}
