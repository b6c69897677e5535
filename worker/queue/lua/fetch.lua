-- Take up to N messages: off the list and into the worker's ack set in one step, so that an id is
-- always in one of the two. The heartbeat goes along: an ack set is never without a pulse.
-- KEYS  1 list  2 messages  3 acks  4 heartbeats
-- ARGV  1 broker id  2 N
-- Returns {ids, messages}; a message that is missing is false.
local ids = redis.call('LPOP', KEYS[1], ARGV[2])
if not ids then
  return {{}, {}}
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[4], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('SADD', KEYS[3], unpack(ids))
return {ids, redis.call('HMGET', KEYS[2], unpack(ids))}
