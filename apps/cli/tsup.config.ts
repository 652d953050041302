import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    'bench-replica': 'src/bench/bench-replica.ts',
    'chaos-replica': 'src/chaos/chaos-replica.ts',
    'proxied-redis': 'src/bench/redis/proxied-redis.ts',
  },
  format: ['esm'],
  target: 'node20',
  dts: false,
  sourcemap: true,
  clean: true,
});
