-- Save a result, the first one wins, and only then acknowledge the message.
-- KEYS  1 result  2 report  3 request  4 running  5 attempts  6 messages  7 acks  8 owner
--       9 started  10 retried (as in start.lua; left out where the job is not among them)
-- ARGV  1 result  2 report  3 seconds both live  4 channel  5 job id  6 redis message id
--       7 owner; '' where the result holds nothing of anybody
-- Returns 1 where the saved result is this one.
local saved = redis.call('GET', KEYS[1])
-- A call that was refused half-way is made again: then the result is ours and the request is there.
if not saved or (saved == ARGV[1] and redis.call('EXISTS', KEYS[3]) == 1) then
  redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
  if ARGV[7] == '' then
    redis.call('DEL', KEYS[8])
  else
    redis.call('SET', KEYS[8], ARGV[7], 'EX', ARGV[3])
  end
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
  redis.call('PUBLISH', ARGV[4], ARGV[5])
end
-- Dramatiq deletes a message only where the ack set has it. A job that has its result needs none,
-- whoever holds it now: another worker will find the result.
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
redis.call('HDEL', KEYS[6], ARGV[6])
redis.call('SREM', KEYS[7], ARGV[6])
-- A key of another type is nobody's: no job that has its result ends as crashed for it.
redis.pcall('SREM', KEYS[9], ARGV[5])
if KEYS[10] then redis.pcall('SREM', KEYS[10], ARGV[5]) end
return (not saved or saved == ARGV[1]) and 1 or 0
