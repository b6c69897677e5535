-- Move delayed messages whose time has come to their queue. Dramatiq keeps them in worker memory,
-- where a reconnect forgets them; here they stay in Redis until they are due. Dramatiq's list of them
-- has no order in time, so their ids move from there to an index by time first. A call looks at so
-- many messages and no more, however many there are.
-- KEYS  1 delayed list  2 delayed messages  3 list  4 messages  5 janitor  6 index (zset: id -> ms)
-- ARGV  1 name of this queue's field  2 least ms between two calls of all workers  3 most messages
--       4 most bytes of a message  5 ms that a request lives: nothing waits longer, its job ends then
-- Returns {number moved, 1 where there is more to be done at once}.
local waiting = redis.call('LLEN', KEYS[1])
if waiting == 0 and redis.call('EXISTS', KEYS[6]) == 0 then
  return {0, 0}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local looked = tonumber(redis.call('HGET', KEYS[5], 'looked:' .. ARGV[1]) or 0)
if now >= looked and now - looked < tonumber(ARGV[2]) then
  return {0, 0}
end
redis.call('HSET', KEYS[5], 'looked:' .. ARGV[1], now)

local function due_at(id)
  -- What cannot be read is due: the queue itself knows what to do with it.
  if redis.call('HSTRLEN', KEYS[2], id) > tonumber(ARGV[4]) then
    return 0
  end
  local readable, fields = pcall(cjson.decode, redis.call('HGET', KEYS[2], id))
  local options = readable and type(fields) == 'table' and fields.options
  local eta = type(options) == 'table' and options.eta
  -- cjson reads NaN as a number, which is no score.
  return type(eta) == 'number' and eta == eta and math.min(eta, now + ARGV[5]) or 0
end

local most = tonumber(ARGV[3])
local ids = waiting > 0 and redis.call('LRANGE', KEYS[1], 0, most - 1) or {}
for _, id in ipairs(ids) do
  if redis.call('HEXISTS', KEYS[2], id) == 1 then
    redis.call('ZADD', KEYS[6], due_at(id), id)
  end
end
if #ids > 0 then
  redis.call('LTRIM', KEYS[1], #ids, -1)
end

local due = redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(due) do
  local message = redis.call('HGET', KEYS[2], id)
  if message then
    if redis.call('HEXISTS', KEYS[4], id) == 0 then
      redis.call('RPUSH', KEYS[3], id)
      redis.call('HSET', KEYS[4], id, message)
    end
    redis.call('HDEL', KEYS[2], id)
  end
  redis.call('ZREM', KEYS[6], id)
end
return {#due, (waiting > most or #due == most) and 1 or 0}
