-- How many workers beat lately, by Redis' own clock, and how long ago the last beat was.
-- KEYS  1 heartbeats
-- ARGV  1 milliseconds that a beat counts
-- Returns {count, milliseconds since the last beat or -1}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local newest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local age = -1
if newest[2] then age = math.max(0, now - tonumber(newest[2])) end
return {redis.call('ZCOUNT', KEYS[1], now - tonumber(ARGV[1]), '+inf'), age}
