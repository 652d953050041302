import { mkdtempSync, rmSync } from 'node:fs';
import {
  ibverbsBackend,
  ibverbsDevice,
  listIbverbsDevices,
  shmBackend,
  shmDevice,
  type Backend,
  type Context,
  type Device,
  type IbverbsOptions,
} from '@mu-smr/verbs';
import { DEFAULT_TUNING, IBVERBS_TUNING, SOFTWARE_DEVICE_TUNING, type Tuning } from '../limits.ts';

/** By which provider a group's replicas reach each other: plain data, for both threads. */
export type Transport =
  | { readonly kind: 'shm'; readonly fabric: string; readonly fabricRttNs: number }
  | {
      readonly kind: 'ibverbs';
      /** This replica's own device: `DEVICE[:PORT[:GID]]`. */
      readonly device: string;
      readonly connection: IbverbsOptions;
      /** Where each replica is met: `host:port`, by id. */
      readonly rendezvous: readonly string[];
    };

/** A first wait of 268 ms: packets of a device made of software wait for a processor, too. */
const SOFTWARE_TIMEOUT_EXPONENT = 16;

export function backendOf(transport: Transport): Backend {
  return transport.kind === 'shm'
    ? shmBackend(transport)
    : ibverbsBackend(connectionOf(transport, transport.connection));
}

export function deviceOf(transport: Transport): Device {
  return transport.kind === 'shm'
    ? shmDevice(transport)
    : ibverbsDevice(transport.device, connectionOf(transport, transport.connection));
}

function connectionOf(transport: Transport, chosen: IbverbsOptions): IbverbsOptions {
  return isSoftware(transport) ? { timeoutExponent: SOFTWARE_TIMEOUT_EXPONENT, ...chosen } : chosen;
}

const softwareByName = new Map<string, boolean>();

/** Whether the device moves packets with threads that compete with ours for the processor. */
function isSoftware(transport: Transport): boolean {
  if (transport.kind === 'shm') return false;
  const [name] = transport.device.split(':');
  // Listing devices opens each of them: once is enough.
  let software = softwareByName.get(name);
  if (software === undefined) {
    software = listIbverbsDevices().some((device) => device.name === name && device.software);
    softwareByName.set(name, software);
  }
  return software;
}

/** What serves on a transport, unless tuned otherwise. */
export function tuningOf(transport: Transport): Tuning {
  if (transport.kind === 'shm') return DEFAULT_TUNING;
  return isSoftware(transport) ? SOFTWARE_DEVICE_TUNING : IBVERBS_TUNING;
}

/**
 * Lends the context on which a fail-over is to be rehearsed: queue pairs of a device are too dear for
 * that, so there it is shared memory of this process. Over a device made of software it is left out:
 * microseconds are not what a fail-over takes there.
 */
export function withRehearsalContext(
  transport: Transport,
  own: Context,
  play: (context: Context) => void,
): void {
  if (transport.kind === 'shm') {
    play(own);
    return;
  }
  if (isSoftware(transport)) return;
  const fabric = mkdtempSync('/dev/shm/mu-rehearsal-');
  const context = shmDevice({ fabric }).open();
  try {
    play(context);
  } finally {
    context.close();
    rmSync(fabric, { recursive: true, force: true });
  }
}
