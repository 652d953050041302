import type { Backend, DeviceInfo, RawQueuePairChange } from '../backend.ts';
import { Device } from '../device.ts';
import { refuse } from '../errors.ts';
import type { Binding, IbverbsConnection, IbverbsDevice } from './binding.ts';
import { bindingProblem, loadBinding } from './load.ts';
import { NativeBackend } from './native-backend.ts';

/** How connections over ibverbs behave; the same at both ends. */
export interface IbverbsOptions {
  /**
   * The first wait for an acknowledgement is 4.096 µs · 2^timeoutExponent (`timeout` of
   * ibv_modify_qp(3)), 1 to 31. Default 14: 67 ms, so that a dead peer is known as such in about
   * 0.3 s, and software devices on shared processors are not taken for dead.
   */
  readonly timeoutExponent?: number;
  /**
   * How often an unacknowledged packet is sent again, and a message that found no receive, 0 to 6. Default 3. Not 7: Soft-RoCE takes that
   * for "for ever", and a write to a dead peer would never complete.
   */
  readonly retryCount?: number;
  /**
   * What a poll that finds nothing does: `spin` returns at once, for processors of one's own;
   * `yield` gives the processor away first, so that a device made of software gets to move packets.
   * Default: `yield` for such devices, `spin` for others.
   */
  readonly pollPolicy?: 'spin' | 'yield';
  /**
   * How a revocation becomes final: by access `flags` alone, as on a NIC, or also by a `reset` that
   * waits until the device has finished with the packet in its hands. Default: `reset` for devices
   * made of software, which check flags and copy in two steps; `flags` for others.
   */
  readonly revocation?: 'flags' | 'reset';
  /**
   * Whether a completion ends `waitForWake` of its context, for threads that wait instead of polling.
   * Between queue pairs of one context nothing needs to be waited for: what was posted has completed
   * when the doorbell returns. Default: no.
   */
  readonly completionEvents?: boolean;
}

/** Why there can be no ibverbs device here, or `undefined`. No device may be there all the same. */
export function ibverbsProblem(): string | undefined {
  return bindingProblem() ?? (loadBinding().ibverbsProblem() || undefined);
}

/** Every device of libibverbs with its ports and addresses; none where `ibverbsProblem` says why. */
export function listIbverbsDevices(): readonly IbverbsDevice[] {
  return bindingProblem() === undefined ? loadBinding().listIbverbsDevices() : [];
}

/** The ibverbs provider. Throws `VerbsError` EINVAL for options outside their range. */
export function ibverbsBackend(options: IbverbsOptions = {}): Backend {
  return new IbverbsBackend(loadBinding(), options);
}

/**
 * A device by `DEVICE[:PORT[:GID]]`, e.g. `mlx5_0:1:3`: port 1 and a RoCE v2 address of IPv4 unless
 * it says otherwise. Throws `VerbsError` ENODEV when there is none, ENOSYS where there can be none.
 */
export function ibverbsDevice(name: string, options: IbverbsOptions = {}): Device {
  const problem = ibverbsProblem();
  if (problem !== undefined) throw refuse('ibv_get_device_list', 'ENOSYS', problem);
  const backend = ibverbsBackend(options);
  const { device } = parseName(name);
  const info = backend.listDevices().find((one) => one.name === device);
  if (info === undefined) throw refuse('ibv_open_device', 'ENODEV', name);
  return new Device(backend, { ...info, name });
}

class IbverbsBackend extends NativeBackend {
  readonly name = 'ibverbs';
  readonly #options: IbverbsOptions;

  constructor(binding: Binding, options: IbverbsOptions) {
    super(binding);
    checkRange('timeoutExponent', options.timeoutExponent, 1, 31);
    checkRange('retryCount', options.retryCount, 0, 6);
    this.#options = options;
  }

  modifyQueuePairElsewhere(queuePair: number, changes: readonly RawQueuePairChange[]): void {
    this.binding.modifyQueuePairElsewhere(queuePair, changes);
  }

  listDevices(): DeviceInfo[] {
    return this.binding.listIbverbsDevices().map(({ name, queuePairTypes, limits }) => ({
      name,
      provider: 'ibverbs',
      queuePairTypes,
      limits,
    }));
  }

  openContext(device: string): number {
    const { device: name, port, gidIndex } = parseName(device);
    const {
      timeoutExponent = 14,
      retryCount = 3,
      pollPolicy,
      revocation,
      completionEvents = false,
    } = this.#options;
    const connection: IbverbsConnection = {
      port,
      gidIndex,
      timeoutExponent,
      retryCount,
      pollPolicy,
      revocation,
      completionEvents,
    };
    return this.binding.openIbverbsContext(name, connection);
  }
}

function checkRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw refuse('ibv_modify_qp', 'EINVAL', `${name} ${value} is not within ${least} to ${most}`);
}

/** Takes `DEVICE[:PORT[:GID]]` apart. */
function parseName(text: string): { device: string; port: number; gidIndex: number } {
  const parts = /^([^:]+)(?::(\d{1,3}))?(?::(\d{1,3}))?$/.exec(text);
  if (parts === null) throw refuse('ibv_open_device', 'EINVAL', `${text}: not DEVICE[:PORT[:GID]]`);
  const [, device, port, gid] = parts;
  return {
    device,
    port: port === undefined ? 1 : Number(port),
    gidIndex: gid === undefined ? -1 : Number(gid),
  };
}
