-- Tell whether a job may run now, and count the start.
-- KEYS  1 result  2 request  3 running  4 attempts (hash: starts, blame; none for one start, which
--       `running` tells)  5 heartbeats  6 messages  7 acks  8 started, 9 retried (sets: the jobs that
--       this broker runs, and those among them that ran before; maintain.lua ends those of the dead)
-- ARGV  1 broker id  2 redis message id  3 prefix of all ack sets  4 queue  5 most blame
--       6 seconds that running and attempts live  7 job id  8 '1' where a retry may go now
--       9, 10 prefixes of all started and retried sets  11 most bytes of a request
--       12, ... among how many at least the first, second, ... death is divided; where they end: one
-- Returns {'started', envelope, attempt, now in ms}, {'retry', deaths}, {'large', bytes}, or
-- {reason, starts}.
local broker, message, job = ARGV[1], ARGV[2], ARGV[7]
local me = broker .. ' ' .. message

local function acknowledge()
  redis.call('HDEL', KEYS[6], message)
  redis.call('SREM', KEYS[7], message)
end

-- A key of another type is nobody's, and would end every job of this broker.
local function add_job(set)
  local reply = redis.pcall('SADD', set, job)
  if type(reply) == 'table' then
    if string.find(reply.err, 'WRONGTYPE', 1, true) then
      redis.call('DEL', set)
    end
    redis.call('SADD', set, job)
  end
end

if redis.call('EXISTS', KEYS[1]) == 1 then
  -- A job that was handed in again after its end leaves no second request behind.
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
  acknowledge()
  return {'finished', 0}
end

local holder = redis.call('GET', KEYS[3])
local held_by, held_message = string.match(holder or '', '^(%S+) (.*)$')
if holder and holder ~= me then
  -- Alive means listed, not recent: whoever takes a broker off the list gives its messages back in
  -- the same step, so a job is never dropped as a duplicate of a run that nobody will repeat.
  if held_by and (held_by == broker or redis.call('ZSCORE', KEYS[5], held_by)) then
    if held_message == message then
      -- One message, handed out twice: its first holder keeps it, and answers for it.
      redis.call('SADD', ARGV[3] .. held_by .. '.' .. ARGV[4], message)
      redis.call('SREM', KEYS[7], message)
    else
      acknowledge()
    end
    return {'duplicate', 0}
  end
end

local envelope = redis.call('GETRANGE', KEYS[2], 0, ARGV[11])
if #envelope > tonumber(ARGV[11]) then
  return {'large', redis.call('STRLEN', KEYS[2])}
end
if envelope == '' and redis.call('EXISTS', KEYS[2]) == 0 then
  return {'expired', 0}
end

local counted = redis.call('HMGET', KEYS[4], 'starts', 'blame')
local starts = tonumber(counted[1] or held_by and 1 or 0)
if holder ~= me or starts == 0 then
  local blame = tonumber(counted[2] or 0)
  if held_by and starts > 0 then
    -- It died with its worker; each of those that may have been the reason has a part in it.
    local suspects = redis.call('SCARD', ARGV[starts == 1 and 9 or 10] .. held_by)
    if suspects > 0 then
      blame = blame + 1 / math.max(suspects, tonumber(ARGV[11 + starts] or 1))
    end
  end
  if blame >= tonumber(ARGV[5]) then
    return {'exhausted', starts}
  end
  if starts > 0 and ARGV[8] ~= '1' then
    return {'retry', starts}
  end
  add_job(KEYS[8])
  if starts > 0 then
    add_job(KEYS[9])
  end
  starts = starts + 1
  redis.call('SET', KEYS[3], me, 'EX', ARGV[6])
  if counted[1] or starts > 1 then
    redis.call('HSET', KEYS[4], 'starts', starts, 'blame', tostring(blame))
    redis.call('EXPIRE', KEYS[4], ARGV[6])
  end
end
-- Else the reply to this very call was lost: the start has been counted.
local time = redis.call('TIME')
return {'started', envelope, starts, time[1] * 1000 + math.floor(time[2] / 1000)}
