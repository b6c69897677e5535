-- Put messages of the ack set that no task holds back at the head of the queue. An id without a
-- message is dropped. Where we ran its job, its end was lost (a failover, a Redis that came back
-- without its last writes): we run it no more, and whoever fetches it may.
-- KEYS  1 list  2 messages  3 acks  4 started  5 retried (as in start.lua)
-- ARGV  1 broker id  2 prefix of all running keys  3 most bytes of a message  4... redis message ids
local function end_run(id)
  if redis.call('HSTRLEN', KEYS[2], id) > tonumber(ARGV[3]) then
    return
  end
  local readable, fields = pcall(cjson.decode, redis.call('HGET', KEYS[2], id))
  local args = readable and type(fields) == 'table' and fields.args
  local job = type(args) == 'table' and args[1]
  local running = type(job) == 'string' and ARGV[2] .. job
  if running and redis.call('GET', running) == ARGV[1] .. ' ' .. id then
    redis.call('SREM', KEYS[4], job)
    redis.call('SREM', KEYS[5], job)
    redis.call('DEL', running)
  end
end

local count = 0
for i = 4, #ARGV do
  if redis.call('SISMEMBER', KEYS[3], ARGV[i]) == 1 then
    if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then
      end_run(ARGV[i])
      redis.call('LPUSH', KEYS[1], ARGV[i])
      count = count + 1
    end
    redis.call('SREM', KEYS[3], ARGV[i])
  end
end
return count
