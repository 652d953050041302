import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import {
  bindingProblem,
  defaultFabric,
  ibverbsProblem,
  listIbverbsDevices,
  type IbverbsDevice,
} from '@mu-smr/verbs';
import { deviceLines } from '../output/devices.ts';

interface Report {
  readonly node: string;
  readonly platform: string;
  readonly libc: string;
  readonly providers: readonly {
    readonly name: string;
    readonly available: boolean;
    readonly reason: string | null;
  }[];
  readonly memlockBytes: number | null;
  readonly hugePages: number;
  readonly cpus: number;
  readonly fabric: {
    readonly path: string;
    readonly exists: boolean;
    readonly problem: string | null;
  };
  readonly realTime: string;
  /** Whether sessions share the processors instead of threads; `null` where the kernel cannot. */
  readonly autogroup: boolean | null;
  /**
   * How long idle processors may take to wake up, by the wish of all who asked the kernel, in microseconds: it
   * has them poll at 0. `null` where this user may not read that.
   */
  readonly wakeUpLimitUs: number | null;
  readonly redisServer: string | null;
  readonly devices: readonly IbverbsDevice[];
}

const AUTOGROUP =
  '; by session: over devices made of software set kernel.sched_autogroup_enabled=0';

/** See `/dev/cpu_dma_latency` in the kernel's documentation of PM QoS; this is what it holds when nobody asked. */
const WAKE_UP_UNLIMITED_US = 2_000_000_000;

/** `mu doctor [--json]`: exit status 1 when no provider for processes is available. */
export function doctor(options: { json?: boolean }): number {
  const report = examine();
  if (options.json === true) console.log(JSON.stringify(report));
  else print(report);
  return report.providers.some(({ name, available }) => name === 'shm' && available) ? 0 : 1;
}

function examine(): Report {
  const native = bindingProblem();
  const devices = listIbverbsDevices();
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    libc: libcVersion(),
    providers: [
      { name: 'shm', available: native === undefined, reason: native ?? null },
      ibverbsProvider(devices),
      { name: 'sim', available: true, reason: null },
    ],
    memlockBytes: memlockBytes(),
    hugePages: hugePages(),
    cpus: availableParallelism(),
    fabric: fabric(),
    realTime: realTime(),
    autogroup: autogroup(),
    wakeUpLimitUs: wakeUpLimitUs(),
    redisServer: firstLine('redis-server', '--version'),
    devices,
  };
}

/** Whether a device can be used, and if not, what is missing. */
function ibverbsProvider(devices: readonly IbverbsDevice[]): Report['providers'][number] {
  const name = 'ibverbs';
  const problem = ibverbsProblem();
  if (problem !== undefined) return { name, available: false, reason: problem };
  if (devices.length === 0)
    return { name, available: false, reason: 'libibverbs finds no device (ibv_devices)' };
  const active = devices.some(({ ports }) => ports.some((port) => port.active));
  return { name, available: active, reason: active ? null : 'no port is active (ibv_devinfo)' };
}

function libcVersion(): string {
  const { header } = process.report.getReport() as unknown as {
    header: { glibcVersionRuntime?: string };
  };
  return header.glibcVersionRuntime === undefined
    ? 'not glibc'
    : `glibc ${header.glibcVersionRuntime}`;
}

/** The locked-memory limit; `null` = unlimited. */
function memlockBytes(): number | null {
  const line = readText('/proc/self/limits')
    .split('\n')
    .find((one) => one.startsWith('Max locked memory'));
  const soft = line?.trim().split(/\s{2,}/)[1];
  return soft === undefined || soft === 'unlimited' ? null : Number(soft);
}

function hugePages(): number {
  return Number(/HugePages_Total:\s+(\d+)/.exec(readText('/proc/meminfo'))?.[1] ?? 0);
}

function realTime(): string {
  const limit = readText('/proc/self/limits')
    .split('\n')
    .find((one) => one.startsWith('Max realtime priority'));
  const rtprio = Number(limit?.trim().split(/\s{2,}/)[1] ?? 0);
  if (process.geteuid?.() === 0) return 'SCHED_FIFO allowed (root)';
  return rtprio > 0
    ? `SCHED_FIFO allowed up to priority ${rtprio}`
    : 'SCHED_FIFO not allowed: raise rtprio in limits.conf';
}

function autogroup(): boolean | null {
  const value = readText('/proc/sys/kernel/sched_autogroup_enabled').trim();
  return value === '' ? null : value !== '0';
}

function wakeUpLimitUs(): number | null {
  try {
    return readFileSync('/dev/cpu_dma_latency').readInt32LE();
  } catch {
    return null;
  }
}

function fabric(): Report['fabric'] {
  const path = defaultFabric();
  try {
    accessSync('/dev/shm', constants.W_OK);
  } catch {
    return {
      path,
      exists: false,
      problem: '/dev/shm is not writable: name another fabric on a tmpfs',
    };
  }
  try {
    const { mode } = statSync(path);
    const open = (mode & 0o077) !== 0;
    return { path, exists: true, problem: open ? `${path} is open to others: chmod 700 it` : null };
  } catch {
    return { path, exists: false, problem: null };
  }
}

function firstLine(command: string, ...args: string[]): string | null {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.split('\n')[0] : null;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function print(report: Report): void {
  const lines = [
    `node       ${report.node} on ${report.platform}, ${report.libc}, ${report.cpus} processors`,
    ...report.providers.map(
      ({ name, available, reason }) =>
        `provider   ${name.padEnd(8)} ${available ? 'available' : `not available: ${reason ?? 'unknown reason'}`}`,
    ),
    ...deviceLines(report.devices, report.memlockBytes),
    `fabric     ${report.fabric.path}${report.fabric.problem === null ? '' : `: ${report.fabric.problem}`}`,
    `scheduling ${report.realTime}${report.autogroup === true ? AUTOGROUP : ''}`,
    `idle       ${idle(report.wakeUpLimitUs)}`,
    `memory     locked up to ${report.memlockBytes ?? 'any number of'} bytes, ${report.hugePages} huge pages`,
    `redis      ${report.redisServer ?? 'redis-server is not installed: apt-get install redis-server'}`,
  ];
  console.log(lines.join('\n'));
}

function idle(limitUs: number | null): string {
  if (limitUs === null) return 'unknown: /dev/cpu_dma_latency is not there, or not for this user';
  return limitUs >= WAKE_UP_UNLIMITED_US
    ? 'processors sleep as deeply as they like: hold /dev/cpu_dma_latency at 0 to be woken sooner'
    : `processors wake up within ${limitUs} us`;
}
