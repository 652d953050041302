import { Counter, Gauge, Registry, type Histogram } from 'prom-client';
import type { ReplicaStatus, TimelineStep } from '../replica-api.ts';
import { BucketCounts, LATENCY_BOUNDS } from './bucket-counts.ts';
import { FailoverMetrics } from './failover-metrics.ts';

/** The part of a `Replica` that its metrics are made of. */
export interface MetricsSource {
  status(): ReplicaStatus;
  /** Has the latency of each decided proposal told, in milliseconds. */
  observeProposals(observer: (latencyMs: number) => void): void;
  on(event: 'timeline', listener: (step: TimelineStep) => void): unknown;
  once(event: 'closed', listener: () => void): unknown;
}

type Read = (status: ReplicaStatus) => number;

/** Counts that never go back, without the suffix `_total`. */
const COUNTERS: Readonly<Record<string, readonly [help: string, read: Read]>> = {
  mu_posted_entries: ['Log entries that this replica posted as a leader', (s) => s.counters.postedEntries], // prettier-ignore
  mu_decided_commands: ['Commands proposed here that were decided', (s) => s.counters.decidedCommands], // prettier-ignore
  mu_applied_commands: ['Commands applied to the state machine', (s) => s.counters.appliedCommands],
  mu_permission_requests: ['Requests for the right to write the logs', (s) => s.counters.permissionRequests], // prettier-ignore
  mu_permission_switches: ['Grants of the own log to another writer', (s) => s.counters.permissionsGranted], // prettier-ignore
  mu_slow_permission_switches: ['Grants that had to reset a queue pair', (s) => s.counters.slowPermissionSwitches], // prettier-ignore
  mu_aborts: ['Leaderships of this replica that ended', (s) => s.counters.aborts],
  mu_suspicions: ['Times that a peer was suspected', (s) => s.counters.suspicions],
  mu_false_suspicions: ['Suspected peers that turned out to be alive', (s) => s.counters.falseSuspicions], // prettier-ignore
  mu_read_proofs: ['Proofs of permission for linearizable reads', (s) => s.counters.readProofs],
  mu_states_given: ['State transfers to other replicas', (s) => s.counters.statesGiven],
  mu_states_received: ['State transfers from other replicas', (s) => s.counters.statesReceived],
  mu_state_received_bytes: ['Bytes that came with states of other replicas', (s) => s.counters.stateBytesReceived], // prettier-ignore
  mu_recycled_bytes: ['Bytes of the log that were zeroed for new entries', (s) => s.released],
  mu_log_wraps: ['Times that the log began at its front again', (s) => Math.floor(s.firstUndecided / s.capacityBytes)], // prettier-ignore
};

const GAUGES: Readonly<Record<string, readonly [help: string, read: Read]>> = {
  mu_leader: ['1 while this replica leads', (s) => Number(s.role === 'leader')],
  mu_leader_id: ['Whom this replica believes to lead; -1 for nobody', (s) => s.leader ?? -1],
  mu_votes: ['1 while this replica is a voting member', (s) => Number(s.votes)],
  mu_members: ['Members of the group', (s) => s.members.length],
  mu_confirmed_followers: ['Replicas whose logs this leader may write, itself included', (s) => s.confirmedFollowers.length], // prettier-ignore
  mu_log_capacity_bytes: ['Capacity of the log', (s) => s.capacityBytes],
  mu_log_used_bytes: ['Bytes of the log between what is released and its end', (s) => s.tail - s.released], // prettier-ignore
  mu_log_unapplied_bytes: ['Bytes of the log that are not applied yet', (s) => s.tail - s.applied],
};

/** Everything a replica counts, read from memory when it is asked for. */
export function replicaMetrics(source: MetricsSource): Registry {
  const registry = new Registry();
  const registers = [registry];
  for (const [name, [help, read]] of Object.entries(COUNTERS))
    new Counter({
      name: `${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read(source.status()));
      },
    });
  for (const [name, [help, read]] of Object.entries(GAUGES))
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(source.status()));
      },
    });
  addPeers(source, registry);
  addProposals(source, registry);
  const failovers = new FailoverMetrics(registry);
  source.on('timeline', (step) => failovers.observe(step));
  return registry;
}

function addPeers(source: MetricsSource, registry: Registry): void {
  const registers = [registry];
  for (const [name, help, read] of [
    ['mu_peer_score', 'Pull score of a peer', 'score'],
    ['mu_peer_trusted', '1 while a peer is trusted', 'trusted'],
    ['mu_peer_applied_offset_bytes', 'How far a peer has applied the log', 'applied'],
  ] as const)
    new Gauge({
      name,
      help,
      registers,
      labelNames: ['peer'],
      collect() {
        // A peer that is not connected any more has no score.
        this.reset();
        for (const peer of source.status().peers) this.set({ peer: peer.id }, Number(peer[read]));
      },
    });
}

/** `observe` of prom-client allocates; ours is counted apart and rendered when it is asked for. */
function addProposals(source: MetricsSource, registry: Registry): void {
  const counts = new BucketCounts();
  source.observeProposals((latencyMs) => counts.observe(latencyMs / 1000));
  const name = 'mu_propose_latency_seconds';
  const metric = {
    name,
    help: 'From propose() to its outcome, of commands that were decided',
    type: 'histogram',
    get: () => {
      const below = counts.cumulative;
      const values = LATENCY_BOUNDS.map((le, index) => ({
        metricName: `${name}_bucket`,
        labels: { le },
        value: below[index],
      }));
      const { count, sum } = counts;
      return Promise.resolve({
        name,
        help: metric.help,
        type: 'histogram',
        values: [
          ...values,
          { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
          { metricName: `${name}_sum`, labels: {}, value: sum },
          { metricName: `${name}_count`, labels: {}, value: count },
        ],
      });
    },
  };
  // A registry asks a metric for its name and for `get`, and for nothing else.
  registry.registerMetric(metric as unknown as Histogram);
}
