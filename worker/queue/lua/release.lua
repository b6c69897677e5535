-- Move delayed messages whose time has come to their queue. Dramatiq keeps them in worker memory,
-- where a reconnect forgets them; here they stay in Redis until they are due. The list has no order
-- in time, so a window of it is looked at, and the next call looks at the next window.
-- KEYS  1 delayed list  2 delayed messages  3 list  4 messages  5 janitor
-- ARGV  1 name of this queue's fields  2 least ms between two calls of all workers  3 window
-- Returns the number moved.
local size = redis.call('LLEN', KEYS[1])
if size == 0 then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local looked = tonumber(redis.call('HGET', KEYS[5], 'looked:' .. ARGV[1]) or 0)
if now >= looked and now - looked < tonumber(ARGV[2]) then
  return 0
end
local cursor = tonumber(redis.call('HGET', KEYS[5], 'cursor:' .. ARGV[1]) or 0)
if cursor >= size then
  cursor = 0
end

local function is_due(message)
  local readable, fields = pcall(cjson.decode, message)
  local options = readable and type(fields) == 'table' and fields.options
  local eta = type(options) == 'table' and options.eta
  -- What cannot be read is due: the queue itself knows what to do with it.
  return type(eta) ~= 'number' or eta <= now
end

local moved = 0
local ids = redis.call('LRANGE', KEYS[1], cursor, cursor + ARGV[3] - 1)
for _, id in ipairs(ids) do
  local message = redis.call('HGET', KEYS[2], id)
  if not message then
    moved = moved + redis.call('LREM', KEYS[1], 1, id)
  elseif is_due(message) then
    moved = moved + redis.call('LREM', KEYS[1], 1, id)
    redis.call('HDEL', KEYS[2], id)
    if redis.call('HSETNX', KEYS[4], id, message) == 1 then
      redis.call('RPUSH', KEYS[3], id)
    end
  end
end
redis.call('HSET', KEYS[5], 'looked:' .. ARGV[1], now, 'cursor:' .. ARGV[1], cursor + #ids - moved)
return moved
