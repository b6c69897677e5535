-- Hand a message back to the head of its queue; a start that was broken off does not count.
-- KEYS  1 list  2 messages  3 acks  4 running  5 starts
-- ARGV  1 broker id  2 redis message id
if redis.call('GET', KEYS[4]) == ARGV[1] .. ' ' .. ARGV[2] then
  redis.call('DEL', KEYS[4])
  if tonumber(redis.call('GET', KEYS[5]) or 0) > 0 then
    redis.call('DECR', KEYS[5])
  end
end
if redis.call('SREM', KEYS[3], ARGV[2]) == 1 and redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then
  redis.call('LPUSH', KEYS[1], ARGV[2])
  return 1
end
return 0
