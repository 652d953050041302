import type { IbverbsDevice, IbverbsPort } from '@mu-smr/verbs';

/** Less than this many bytes of locked memory do not hold a log and its staging area. */
const MEMLOCK_BYTES_MIN = 64 * 1024 * 1024;

/** What `mu doctor` shows of RDMA devices: ports, addresses, limits, and what is missing. */
export function deviceLines(
  devices: readonly IbverbsDevice[],
  memlockBytes: number | null,
): string[] {
  const lines = devices.flatMap((device) => [
    `device     ${device.name}${device.software ? ' (made of software)' : ''}: ${limits(device)}`,
    ...device.ports.flatMap((port) => portLines(device, port)),
  ]);
  if (devices.length > 0 && memlockBytes !== null && memlockBytes < MEMLOCK_BYTES_MIN)
    lines.push(
      `           only ${memlockBytes} bytes may be locked: raise memlock in limits.conf, or LimitMEMLOCK`,
    );
  return lines;
}

function limits({ limits: most, queuePairTypes }: IbverbsDevice): string {
  return (
    `${queuePairTypes.join(', ')}, MTU ${most.mtuBytes}, inline up to ${most.inlineBytesMax} bytes, ` +
    `queues of ${most.sendQueueDepthMax} and ${most.completionQueueDepthMax}`
  );
}

function portLines(device: IbverbsDevice, port: IbverbsPort): string[] {
  const state = port.active ? 'active' : 'not active: is the link up?';
  const where = port.linkLayer === 'infiniband' ? `infiniband, LID ${port.lid}` : 'ethernet';
  const gids = port.gids.map(
    ({ index, gid, type }) =>
      `             --fabric ibverbs:${device.name}:${port.port}:${index}  ${gid} ${type}`,
  );
  const unusable = port.linkLayer === 'ethernet' && gids.length === 0;
  return [
    `           port ${port.port} ${state} (${where})`,
    ...(unusable ? ['             no address: give its network interface an IP address'] : gids),
  ];
}
