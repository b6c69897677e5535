-- Move a message that nobody can run to the dead letters. What is kept is a description in place
-- of the message, which may hold anything. If the job id could be read, a successor goes to the
-- end of the queue: a good message of the same job that waits there comes first.
-- KEYS  1 list  2 messages  3 acks  4 dead  5 dead messages  6 running, 7 started, 8 retried,
--       where its job was started
-- ARGV  1 redis message id  2 description  3 successor's id or ''  4 successor  5 broker id  6 job id
if redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 0 then
  return 0
end
if ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[2], ARGV[3]) == 0 then
  redis.call('RPUSH', KEYS[1], ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[4], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('HSET', KEYS[5], ARGV[1], ARGV[2])
if KEYS[6] and redis.call('GET', KEYS[6]) == ARGV[5] .. ' ' .. ARGV[1] then
  redis.call('SREM', KEYS[7], ARGV[6])
  redis.call('SREM', KEYS[8], ARGV[6])
  redis.call('DEL', KEYS[6])
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
return 1
