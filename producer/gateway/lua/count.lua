-- Count a submit of a caller, or take one back that made no job.
-- KEYS  1 rate of the caller
-- ARGV  1 '1', or '-1' to take one back
-- Returns {submits in this minute, milliseconds until it ends}.
if ARGV[1] == '-1' then
  if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECR', KEYS[1]) end
  return {0, 0}
end
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], 60) end
return {count, redis.call('PTTL', KEYS[1])}
