-- Tell whether a job may run now, and count the start.
-- KEYS  1 result  2 request  3 running  4 starts  5 heartbeats  6 messages  7 acks
-- ARGV  1 broker id  2 redis message id  3 prefix of all ack sets  4 queue  5 most starts
--       6 seconds that running and starts live
-- Returns {reason} or {'started', envelope, attempt, now in ms}.
local broker, message = ARGV[1], ARGV[2]
local me = broker .. ' ' .. message

local function acknowledge()
  redis.call('SREM', KEYS[7], message)
  redis.call('HDEL', KEYS[6], message)
end

if redis.call('EXISTS', KEYS[1]) == 1 then
  -- A job that was handed in again after its end leaves no second request behind.
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
  acknowledge()
  return {'finished'}
end

local holder = redis.call('GET', KEYS[3])
if holder and holder ~= me then
  local held_by, held_message = string.match(holder, '^(%S+) (.*)$')
  -- Alive means listed, not recent: whoever takes a broker off the list gives its messages back in
  -- the same step, so a job is never dropped as a duplicate of a run that nobody will repeat.
  if held_by and (held_by == broker or redis.call('ZSCORE', KEYS[5], held_by)) then
    if held_message == message then
      -- One message, handed out twice: its first holder keeps it, and answers for it.
      redis.call('SREM', KEYS[7], message)
      redis.call('SADD', ARGV[3] .. held_by .. '.' .. ARGV[4], message)
    else
      acknowledge()
    end
    return {'duplicate'}
  end
end

local envelope = redis.call('GET', KEYS[2])
if not envelope then
  return {'expired'}
end

local attempt
if holder == me then
  -- The reply to this very call was lost: the start has been counted.
  attempt = tonumber(redis.call('GET', KEYS[4]) or 1)
else
  attempt = redis.call('INCR', KEYS[4])
  redis.call('EXPIRE', KEYS[4], ARGV[6])
end
if attempt > tonumber(ARGV[5]) then
  return {'exhausted'}
end
redis.call('SET', KEYS[3], me, 'EX', ARGV[6])
local time = redis.call('TIME')
return {'started', envelope, attempt, time[1] * 1000 + math.floor(time[2] / 1000)}
