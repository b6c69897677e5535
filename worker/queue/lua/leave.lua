-- The end of a worker: what its ack sets still hold goes back, and its heartbeat is taken away.
-- KEYS  1 heartbeats  2 started  3 retried (as in start.lua)
-- ARGV  1 broker id  2 namespace  3... queues
local count = 0
for i = 3, #ARGV do
  local list = ARGV[2] .. ':' .. ARGV[i]
  local acks = ARGV[2] .. ':__acks__.' .. ARGV[1] .. '.' .. ARGV[i]
  for _, id in ipairs(redis.call('SMEMBERS', acks)) do
    if redis.call('HEXISTS', list .. '.msgs', id) == 1 then
      redis.call('LPUSH', list, id)
      count = count + 1
    end
  end
  redis.call('DEL', acks)
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[1], ARGV[1])
return count
