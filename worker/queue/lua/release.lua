-- Move delayed messages whose time has come to their queue. Dramatiq keeps them in worker memory,
-- where a reconnect forgets them; here they stay in Redis until they are due. Dramatiq's list of them
-- has no order in time, so their ids move from there to an index by time first. A call looks at so
-- many messages and no more, however many there are.
-- KEYS  1 delayed list  2 delayed messages  3 list  4 messages  5 janitor  6 index (zset: id -> ms)
-- ARGV  1 name of this queue's field  2 least ms between two calls of all workers  3 most messages
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

local function due_at(message)
  local readable, fields = pcall(cjson.decode, message)
  local options = readable and type(fields) == 'table' and fields.options
  local eta = type(options) == 'table' and options.eta
  -- What cannot be read is due: the queue itself knows what to do with it.
  return type(eta) == 'number' and eta or 0
end

for _, id in ipairs(waiting > 0 and redis.call('LPOP', KEYS[1], ARGV[3]) or {}) do
  local message = redis.call('HGET', KEYS[2], id)
  if message then
    redis.call('ZADD', KEYS[6], due_at(message), id)
  end
end

local due = redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', now, 'LIMIT', 0, ARGV[3])
for _, id in ipairs(due) do
  redis.call('ZREM', KEYS[6], id)
  local message = redis.call('HGET', KEYS[2], id)
  if message then
    redis.call('HDEL', KEYS[2], id)
    if redis.call('HSETNX', KEYS[4], id, message) == 1 then
      redis.call('RPUSH', KEYS[3], id)
    end
  end
end
local most = tonumber(ARGV[3])
return {#due, (waiting > most or #due == most) and 1 or 0}
