-- How many workers beat lately, by Redis' own clock, and how long ago the last beat was.
-- KEYS  1 heartbeats  2 a key that there is not, where a write is to be tried: it changes nothing
-- ARGV  1 milliseconds that a beat counts
-- Returns {count, milliseconds since the last beat; -1 where none counts}.
if KEYS[2] then redis.call('SET', KEYS[2], '', 'XX') end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lasts = tonumber(ARGV[1])
-- A beat that is further ahead than it lasts was counted by a clock that was set back since.
local beats = redis.call('ZRANGEBYSCORE', KEYS[1], now - lasts, now + lasts, 'WITHSCORES')
if #beats == 0 then
  return {0, -1}
end
return {#beats / 2, math.max(0, now - tonumber(beats[#beats]))}
