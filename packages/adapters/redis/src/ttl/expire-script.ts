/**
 * Removes the keys whose deadline the log's clock has reached, and answers the true deadlines of
 * the others (-1: none, -2: no such key). Its only clock is its argument.
 */
export const EXPIRE_SCRIPT = `
local now, guard = tonumber(ARGV[1]), tonumber(ARGV[2])
local deadlines = {}
for i, key in ipairs(KEYS) do
  local deadline = redis.call('PEXPIRETIME', key)
  if deadline >= 0 then
    deadline = deadline - guard
    if deadline <= now then
      redis.call('UNLINK', key)
      deadline = -2
    end
  end
  deadlines[i] = deadline
end
return deadlines`;

/**
 * XADD with a server-made id: the log's clock, or behind the stream's last id where that is
 * ahead of the clock, as redis-server itself chooses. ARGV[1] is the clock, ARGV[2] the index of
 * the id among the other arguments.
 */
export const STREAM_ID_SCRIPT = `
local args, at = {}, tonumber(ARGV[2])
for i = 3, #ARGV do args[i - 2] = ARGV[i] end
args[at] = ARGV[1] .. '-*'
local added = redis.pcall('XADD', KEYS[1], unpack(args))
if type(added) == 'table' and added.err and string.find(added.err, 'equal or smaller', 1, true) then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  local last
  for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
  args[at] = string.match(last, '^%d+') .. '-*'
  added = redis.pcall('XADD', KEYS[1], unpack(args))
end
return added`;
