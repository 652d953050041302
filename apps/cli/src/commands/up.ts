import { REPLICAS_MAX } from '@mu-smr/consensus';
import { LocalGroup } from '../group/local-group.ts';
import { showGroup } from '../group/show-group.ts';
import { interruption } from '../interruption.ts';
import { serveChanges } from '../members/change-socket.ts';
import { GroupChanges } from '../members/group-changes.ts';
import { aboutSize } from '../members/warnings.ts';
import { wholeNumber } from '../output/numbers.ts';
import { checkApplication } from './application.ts';

export interface UpOptions {
  readonly replicas: string;
  readonly spares: string;
  readonly group: string;
  readonly port?: string;
  readonly metricsPort?: string;
  readonly logBytes?: string;
  readonly restart?: boolean;
}

/** `mu up APPLICATION`: a local group, until Ctrl-C. */
export async function up(application: string, options: UpOptions): Promise<number> {
  checkApplication(application);
  const replicas = wholeNumber('replicas', options.replicas, 1, 9);
  const spares = wholeNumber('spares', options.spares, 0, REPLICAS_MAX - replicas);
  const firstPort = (option: string, value: string | undefined): number | undefined =>
    value === undefined ? undefined : wholeNumber(option, value, 1, 65_536 - replicas - spares);
  const port = firstPort('port', options.port);
  const metricsPort = firstPort('metrics-port', options.metricsPort);
  const logCapacityBytes =
    options.logBytes === undefined ? undefined : wholeNumber('log-bytes', options.logBytes, 1);
  for (const warning of aboutSize(replicas)) console.error(`warning: ${warning}`);

  const signal = interruption();
  const group = await LocalGroup.start({
    name: options.group,
    application,
    replicas,
    spares,
    port,
    metricsPort,
    logCapacityBytes,
    signal,
  });
  group.restarts = options.restart !== false;
  try {
    const changes = await serveChanges(group.fabric, new GroupChanges(group));
    try {
      await showGroup(group, signal);
    } finally {
      await changes.close();
    }
  } finally {
    await group.close();
  }
  return 0;
}
