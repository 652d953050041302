import { AccessFlags, shmDevice, type Context, type ProtectionDomain } from '@mu-smr/verbs';
import { latencyHistogram, percentilesOf, recordMs, type Percentiles } from './latency.ts';
import { serveMeasurement } from './measuring-process.ts';

/** What a switch of permissions costs its owner, by how it is done. */
export interface SwitchCosts {
  readonly regionBytes: number;
  /** Access flags of a queue pair: one change. */
  readonly flagsNs: Percentiles;
  /** RESET, INIT, RTR, RTS of a queue pair. */
  readonly cycleNs: Percentiles;
  /** A region is deregistered and registered anew. */
  readonly registrationNs: Percentiles;
  /** The limit: one crossing into native code that only reads the state. */
  readonly queryNs: Percentiles;
}

export interface SwitchPlan {
  readonly regionBytes: readonly number[];
  readonly switches: number;
  readonly registrations: number;
}

const { localWrite, remoteRead, remoteWrite } = AccessFlags;

/** Measures the switches on one region size after the other. */
function measureSwitches(
  fabric: string,
  plan: SwitchPlan,
  done: (costs: SwitchCosts) => void,
): void {
  const device = shmDevice({ fabric });
  const [owner, writer] = [device.open(), device.open()];
  for (const regionBytes of plan.regionBytes) done(measureSize(owner, writer, regionBytes, plan));
  for (const context of [owner, writer]) context.close();
}

function measureSize(
  owner: Context,
  writer: Context,
  regionBytes: number,
  plan: SwitchPlan,
): SwitchCosts {
  const domain = owner.allocateProtectionDomain();
  const [ours, theirs] = [prepare(owner, domain), prepare(writer)];
  const region = domain.allocateMemory(regionBytes, localWrite | remoteRead | remoteWrite);
  theirs.connect(ours.endpoint, { accessFlags: 0 });
  const { control } = ours.connect(theirs.endpoint, { accessFlags: remoteRead });
  const granted = remoteRead | remoteWrite;
  const switches = (work: (n: number) => void): Percentiles => timed(plan.switches, work);
  const costs = {
    regionBytes,
    queryNs: switches(() => control.state),
    flagsNs: switches((n) => control.modifyAccess(n % 2 === 0 ? granted : remoteRead)),
    cycleNs: switches((n) => control.cycle({ accessFlags: n % 2 === 0 ? granted : remoteRead })),
  };
  region.close();
  const registrationNs = timed(plan.registrations, () =>
    domain.allocateMemory(regionBytes, localWrite | remoteRead | remoteWrite).close(),
  );
  return { ...costs, registrationNs };
}

function prepare(context: Context, domain: ProtectionDomain = context.allocateProtectionDomain()) {
  return domain.createQueuePair({
    sendRing: context.createSendRing(16),
    sendCompletionQueue: context.createCompletionQueue(16),
  });
}

/** The first tenth warms up and does not count. */
function timed(times: number, work: (n: number) => void): Percentiles {
  const histogram = latencyHistogram();
  for (let n = -Math.ceil(times / 10); n < times; n++) {
    const before = performance.now();
    work(n);
    if (n >= 0) recordMs(histogram, performance.now() - before);
  }
  return percentilesOf(histogram);
}

serveMeasurement(measureSwitches);
