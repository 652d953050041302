// A process that has a redis-server and is there to be killed.
import { RedisBackend } from '../../src/backend/redis-backend.js';

const backend = await RedisBackend.start();
console.log(JSON.stringify({ pid: backend.pid, directory: backend.directory }));
