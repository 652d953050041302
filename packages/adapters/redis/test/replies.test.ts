import { afterAll, beforeAll, describe, it } from 'vitest';
import { type BareRedis, startBareRedis } from './support/bare-redis.js';
import { expectSame } from './support/differential.js';
import { startSingle, type Single } from './support/redis.js';

// Every reply shape, in both protocols, and the state that depends on the connection.
const DATA = [
  'SET s v', 'GET s', 'GET none', 'GETRANGE s 0 0', 'APPEND s w', 'STRLEN s', 'SETRANGE s 1 xx', 'GETSET s old', 'GETDEL s', 'GET s',
  'INCR n', 'INCRBYFLOAT n 1.5', 'DECR n', 'MSET a 1 b 2', 'MGET a b c', 'LCS a b IDX', 'SETNX a 2', 'MSETNX a 1 z 2', 'SETBIT bits 7 1', 'BITCOUNT bits', 'BITFIELD bits INCRBY u8 0 200', 'BITOP NOT nbits bits',
  'LPUSH l 1 2 3', 'LRANGE l 0 -1', 'LPOP l 2', 'LPOP none', 'LPOP none 2', 'LPOS l 1', 'LMOVE l l2 LEFT RIGHT', 'LMPOP 2 l l2 LEFT', 'LMPOP 1 none LEFT', 'RPUSHX none 1',
  'HSET h f v', 'HGETALL h', 'HGET h none', 'HMGET h f g', 'HINCRBYFLOAT h n 0.1', 'HRANDFIELD none', 'HSCAN h 0',
  'SADD set m', 'SMEMBERS set', 'SISMEMBER set m', 'SMISMEMBER set m n', 'SINTERCARD 1 set', 'SPOP set', 'SPOP set', 'SPOP set 2', 'SADD set m', 'SPOP set 1', 'SPOP h', 'SPOP set -1', 'SPOP set x', 'SPOP set 1 2', 'SPOP h 0', 'SRANDMEMBER none', 'SRANDMEMBER none 2',
  'ZADD zs 1.5 a 2 b', 'ZADD zs INCR 1 a', 'ZSCORE zs a', 'ZSCORE zs none', 'ZRANGE zs 0 -1 WITHSCORES', 'ZPOPMIN zs', 'ZPOPMIN none', 'ZMPOP 1 zs MAX', 'ZMPOP 1 none MAX', 'ZADD zs inf i', 'ZSCORE zs i', 'ZMSCORE zs i j', 'ZRANDMEMBER none 1', 'ZRANK zs none', 'ZUNION 1 zs WITHSCORES', 'ZINCRBY zs 1 q',
  'GEOADD g 13.361389 38.115556 P', 'GEOPOS g P none', 'GEODIST g P P', 'GEOHASH g P', 'GEOSEARCH g FROMMEMBER P BYRADIUS 1 km ASC WITHCOORD', 'GEORADIUS g 13 38 200 km STORE gs', 'ZCARD gs',
  'XADD x 1-1 f v', 'XADD x 1-1 f v', 'XADD x 5-* f v', 'XRANGE x - +', 'XREAD STREAMS x 0', 'XREAD STREAMS x 9', 'XLEN x', 'XTRIM x MAXLEN = 1', 'XTRIM x MAXLEN ~ 1 LIMIT 5', 'XDEL x 5-0', 'XADD s2 NOMKSTREAM * f v', 'XADD x MAXLEN ~', 'XADD x * f', 'XSETID x 9-9', 'XREVRANGE x + - COUNT 1', 'SET str 1', 'XADD str * f v',
  'PFADD hll a b', 'PFCOUNT hll', 'PFMERGE hll2 hll', 'GET hll2',
  'TYPE zs', 'EXISTS zs none', 'OBJECT ENCODING zs', 'RENAME zs zs2', 'RENAME none x', 'RENAMENX zs2 hll', 'COPY zs2 zs3', 'TOUCH zs2', 'DEL zs2', 'UNLINK zs3', 'DBSIZE', 'INCR l', 'SORT l', 'SORT none STORE d', 'SORT_RO none', 'DUMP none', 'RESTORE r 0 garbage',
  'MULTI', 'SET t 1', 'GET t', 'INCR t', 'HGETALL h', 'LPUSH t 1', 'ZSCORE none a', 'EXEC', 'MULTI', 'MULTI', 'FOO', 'EXEC', 'MULTI', 'GET', 'EXEC', 'EXEC', 'DISCARD', 'MULTI', 'DISCARD', 'MULTI', 'EXEC', 'MULTI', 'SELECT 3', 'SET in3 1', 'PING', 'EXEC', 'GET in3', 'SELECT 0', 'MULTI', 'SELECT 99', 'SET in0 1', 'EXEC', 'GET in0', 'MULTI', 'SET a 1', 'RESET', 'EXEC',
  'SELECT 1', 'GET a', 'SET one 1', 'MOVE one 2', 'SELECT 2', 'GET one', 'SWAPDB 2 3', 'GET one', 'SELECT 99', 'SELECT x', 'SELECT -1', 'SWAPDB 1 99', 'COPY one two DB 1', 'SELECT 0', 'FLUSHDB', 'DBSIZE', 'FLUSHALL SYNC', 'FLUSHALL FOO',
  'PING', 'PING hi', 'PING a b', 'ECHO hi', 'AUTH pw', 'AUTH default pw', 'AUTH other pw', 'CLIENT SETNAME me', 'CLIENT GETNAME', 'CLIENT SETINFO LIB-NAME x', 'CLIENT REPLY ON', 'CLIENT NO-EVICT on', 'CLIENT LIST TYPE foo', 'CLIENT LIST ID x', 'HELLO 4', 'HELLO x', 'HELLO 2 FOO', 'ACL WHOAMI', 'COMMAND COUNT', 'COMMAND GETKEYS SET a b', 'CONFIG GET save', 'CONFIG GET appendonly', 'WAIT 0 0', 'WAIT x 0', 'WAIT 0 -1', 'LOLWUT VERSION 0', 'RESET',
]; // prettier-ignore

describe('replies are those of redis-server', () => {
  let bare: BareRedis;
  let single: Single;

  beforeAll(async () => {
    bare = await startBareRedis();
    single = await startSingle();
  });
  afterAll(async () => {
    await bare.close();
    await single[Symbol.asyncDispose]();
  });

  it('in RESP2', () => expectSame(bare, single, ['FLUSHALL', ...DATA]));

  it('in RESP3', () => {
    // RESET would end RESP3.
    const script = DATA.filter((line) => line !== 'RESET' && !line.startsWith('HELLO 2'));
    return expectSame(bare, single, ['FLUSHALL', ...script, 'DISCARD'], 3);
  });

  it('with times to live', () =>
    expectSame(bare, single, [
      'FLUSHALL', 'SET k v EX 100', 'TTL k', 'SET k v', 'TTL k', 'EXPIRE k 100', 'TTL k', 'EXPIRE k 50 GT', 'EXPIRE k 50 LT', 'TTL k', 'EXPIRE k 10 NX', 'EXPIRE k 10 XX', 'EXPIRE k 10 FOO', 'EXPIRE k 10 NX XX', 'EXPIRE none 10',
      'PERSIST k', 'TTL k', 'TTL none', 'PTTL none', 'EXPIREAT k 33177117420', 'EXPIRETIME k', 'PEXPIRETIME k', 'PEXPIREAT k 33177117420123', 'PEXPIRETIME k', 'TTL k x',
      'SETEX k 100 w', 'GET k', 'TTL k', 'PSETEX k 100000 w', 'TTL k', 'SETEX k 0 w', 'SETEX k -1 w', 'SETEX k x w', 'PSETEX k 0 w', 'SET k v EX 0', 'SET k v EX x', 'SET k v EX', 'SET k v EX 1 PX 1', 'SET k v EX 100 NX', 'SET k v EX 100 XX GET', 'SET k v KEEPTTL', 'TTL k', 'SET k v EX 10 KEEPTTL', 'SET k v EX 99999999999999999999', 'SET k v EX 9223372036854775807', 'EXPIRE k 9223372036854775807', 'EXPIRE k x',
      'GETEX k EX 100', 'TTL k', 'GETEX k PERSIST', 'TTL k', 'GETEX k', 'GETEX k EX 0', 'GETEX k PXAT 33177117420123', 'PEXPIRETIME k', 'GETEX k EX 1 PERSIST', 'RENAME k k2', 'TTL k', 'PEXPIRETIME k2', 'COPY k2 k3', 'PEXPIRETIME k3', 'COPY k2 k4 DB 1', 'SELECT 1', 'PEXPIRETIME k4', 'SELECT 0', 'MOVE k3 1', 'SWAPDB 0 1', 'PEXPIRETIME k3', 'SWAPDB 0 1',
      'EXPIRE k2 -1', 'EXISTS k2', 'SET k v', 'EXPIREAT k 1', 'GET k', 'SET k v PXAT 1', 'GET k', 'SET k v', 'GETEX k EXAT 1', 'GET k', 'SET k v', 'EXPIRE k 0', 'TTL k', 'SET k v', 'PEXPIREAT k -5', 'EXISTS k',
      'MULTI', 'SET k v EX 100', 'TTL k', 'EXPIRETIME none', 'EXPIRE k -1', 'GET k', 'EXEC', 'SET k v', 'OBJECT HELP', 'RESTORE r -1 x',
    ])); // prettier-ignore
});
