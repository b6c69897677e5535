-- Beat, and once a period, for all workers together: give back what dead workers held, forget the
-- dead, drop old dead letters. Time is Redis' own, so that no client's clock matters.
-- KEYS  1 heartbeats  2 janitor (hash: pass, quiet_until)
-- ARGV  1 broker id  2 namespace  3 period  4 silence that means death  5 quiet time after a gap
--       6 lifetime of dead letters (all in ms)  7... queues
-- Returns {now in ms, brokers listed, messages given back}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local period = tonumber(ARGV[3])
redis.call('ZADD', KEYS[1], now, ARGV[1])

local last = tonumber(redis.call('HGET', KEYS[2], 'pass') or 0)
-- A little less than the period: timers are late more often than early.
if now >= last and now - last < period * 0.8 then
  return {now, redis.call('ZCARD', KEYS[1]), 0}
end
redis.call('HSET', KEYS[2], 'pass', now)
if now < last or now - last > period * 3 then
  -- Nobody has passed for a while: Redis was away, or all workers. Or a failover brought another
  -- clock. Then every heartbeat looks dead; the living get time to renew theirs.
  redis.call('HSET', KEYS[2], 'quiet_until', now + ARGV[5])
end
if now < tonumber(redis.call('HGET', KEYS[2], 'quiet_until') or 0) then
  return {now, redis.call('ZCARD', KEYS[1]), 0}
end

local function give_back(acks, list, messages)
  local count = 0
  for _, id in ipairs(redis.call('SMEMBERS', acks)) do
    if redis.call('HEXISTS', messages, id) == 1 then
      redis.call('LPUSH', list, id)
      count = count + 1
    end
  end
  redis.call('DEL', acks)
  return count
end

-- Returns the brokers that last beat between two instants.
local function beaten(from, to)
  return redis.call('ZRANGEBYSCORE', KEYS[1], from, to, 'LIMIT', 0, 200)
end

local given_back = 0
local all_dead = beaten('-inf', now - ARGV[4])
-- A beat that is yet to come was counted by a clock that is no more.
for _, broker in ipairs(beaten(now + ARGV[4], '+inf')) do
  table.insert(all_dead, broker)
end
for _, dead in ipairs(all_dead) do
  for i = 7, #ARGV do
    for _, queue in ipairs({ARGV[i], ARGV[i] .. '.DQ'}) do
      local list = ARGV[2] .. ':' .. queue
      local acks = ARGV[2] .. ':__acks__.' .. dead .. '.' .. queue
      given_back = given_back + give_back(acks, list, list .. '.msgs')
    end
  end
  -- What it ran is asked for when its jobs start again, which all have within a request's 24 hours.
  redis.call('EXPIRE', ARGV[2] .. ':started:' .. dead, 86400)
  redis.call('EXPIRE', ARGV[2] .. ':retried:' .. dead, 86400)
  redis.call('ZREM', KEYS[1], dead)
end

for i = 7, #ARGV do
  local letters = ARGV[2] .. ':' .. ARGV[i] .. '.XQ'
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', letters, '-inf', now - ARGV[6], 'LIMIT', 0, 500)) do
    redis.call('ZREM', letters, id)
    redis.call('HDEL', letters .. '.msgs', id)
  end
end
return {now, redis.call('ZCARD', KEYS[1]), given_back}
