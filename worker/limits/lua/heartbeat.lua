-- A process is alive for a while longer; the long dead are forgotten.
--
-- KEYS  processes (as in enter.lua)      ARGV  process, life ms, hold ms
local processes, life = KEYS[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- As in enter.lua: after a gap the living get the time to beat.
local seen = tonumber(redis.call('ZSCORE', processes, '#seen') or now)
if now < seen or now - seen > life / 2 then
  redis.call('ZADD', processes, now + life / 2, '#quiet')
end
if tonumber(redis.call('ZSCORE', processes, '#quiet') or 0) <= now then
  redis.call('ZREMRANGEBYSCORE', processes, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', processes, '(' .. (now + life), '+inf')
end
redis.call('ZADD', processes, now, '#seen', now + life, ARGV[1])
redis.call('PEXPIRE', processes, life + tonumber(ARGV[3]))
