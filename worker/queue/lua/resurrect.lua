-- Put a new message in the place of a dead letter, at the end of its queue.
-- KEYS  1 list  2 messages  3 dead  4 dead messages
-- ARGV  1 dead letter's id  2 new redis message id  3 new message
if not redis.call('ZSCORE', KEYS[3], ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('RPUSH', KEYS[1], ARGV[2])
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
