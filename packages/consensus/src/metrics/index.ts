export { MetricsServer, type MetricsAddress } from './metrics-server.ts';
export { replicaMetrics, type MetricsSource } from './replica-metrics.ts';
