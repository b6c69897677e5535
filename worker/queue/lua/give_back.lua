-- Hand a message back to the head of its queue; a start that was broken off does not count.
-- KEYS  1 list  2 messages  3 acks  4 running  5 attempts  6 started  7 retried (as in start.lua)
-- ARGV  1 broker id  2 redis message id  3 job id
if redis.call('GET', KEYS[4]) == ARGV[1] .. ' ' .. ARGV[2] then
  redis.call('SREM', KEYS[6], ARGV[3])
  redis.call('SREM', KEYS[7], ARGV[3])
  if tonumber(redis.call('HGET', KEYS[5], 'starts') or 0) > 0 then
    redis.call('HINCRBY', KEYS[5], 'starts', -1)
  end
  redis.call('DEL', KEYS[4])
end
if redis.call('SISMEMBER', KEYS[3], ARGV[2]) == 0 then
  return 0
end
local there = redis.call('HEXISTS', KEYS[2], ARGV[2])
if there == 1 then
  redis.call('LPUSH', KEYS[1], ARGV[2])
end
redis.call('SREM', KEYS[3], ARGV[2])
return there
