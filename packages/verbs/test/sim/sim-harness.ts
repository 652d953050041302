import { Device, SimFabric, type SimFabricOptions } from '../../src/index.ts';
import { EVERYTHING, join, Side, type SideOptions } from '../compliance/harness.ts';

/** A fabric with connected sides on hosts of the given names. */
export interface SimPair {
  readonly fabric: SimFabric;
  readonly a: Side;
  readonly b: Side;
}

export function side(fabric: SimFabric, host: string, options?: SideOptions): Side {
  const backend = fabric.backend(host);
  return new Side(new Device(backend, backend.listDevices()[0]), options);
}

export function simPair(
  options: Partial<SimFabricOptions> = {},
  sides: SideOptions = {},
  admits = EVERYTHING,
): SimPair {
  const fabric = new SimFabric({ seed: 1, ...options });
  const a = side(fabric, 'a', sides);
  const b = side(fabric, 'b', sides);
  join(a, b, admits);
  return { fabric, a, b };
}

/** Runs to the end and returns the statuses of everything that completed at a side. */
export function outcomes(fabric: SimFabric, at: Side): string[] {
  while (fabric.step());
  const statuses: string[] = [];
  for (let done = at.queue.take(); done !== undefined; done = at.queue.take())
    statuses.push(done.status);
  return statuses;
}
