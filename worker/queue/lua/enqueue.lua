-- Put a message into its queue, once, however often it is asked for.
-- KEYS  1 list  2 messages
-- ARGV  1 redis message id  2 message
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) == 1 then
  redis.call('RPUSH', KEYS[1], ARGV[1])
  return 1
end
return 0
