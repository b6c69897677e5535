-- Take up to N messages: off the list and into the worker's ack set in one step, so that an id is
-- always in one of the two. The heartbeat goes along: an ack set is never without a pulse.
-- KEYS  1 list  2 messages  3 acks  4 heartbeats
-- ARGV  1 broker id  2 N  3 most bytes of a message
-- Returns {ids, messages}; a message that is missing is false, one that is too large its size: a
-- fetch of hundreds of megabytes would never arrive, nor what was fetched beside them. An id that is
-- longer than a message may be is no id, say a request: its digest stands for it, with its size.
local ids = redis.call('LRANGE', KEYS[1], 0, ARGV[2] - 1)
if #ids == 0 then
  return {{}, {}}
end
local sizes, small, most = {}, {}, tonumber(ARGV[3])
for i, id in ipairs(ids) do
  if #id > most then
    redis.call('HDEL', KEYS[2], id)
    ids[i], sizes[i] = redis.sha1hex(id), #id
  else
    sizes[i] = redis.call('HSTRLEN', KEYS[2], id)
    if sizes[i] <= most then
      small[#small + 1] = id
    end
  end
end
local found = #small > 0 and redis.call('HMGET', KEYS[2], unpack(small)) or {}
local messages, place = {}, 0
for i, size in ipairs(sizes) do
  if size > most then
    messages[i] = size
  else
    place = place + 1
    messages[i] = found[place]
  end
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[4], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('SADD', KEYS[3], unpack(ids))
redis.call('LTRIM', KEYS[1], #ids, -1)
return {ids, messages}
