-- Put messages of the ack set that no task holds back at the head of the queue. An id without a
-- message is dropped.
-- KEYS  1 list  2 messages  3 acks
-- ARGV  redis message ids
local count = 0
for i = 1, #ARGV do
  if redis.call('SISMEMBER', KEYS[3], ARGV[i]) == 1 then
    if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then
      redis.call('LPUSH', KEYS[1], ARGV[i])
      count = count + 1
    end
    redis.call('SREM', KEYS[3], ARGV[i])
  end
end
return count
