-- Give the place back and remember how the login ended.
--
-- KEYS  account, places (as in enter.lua)
-- ARGV  ticket, protocol, fingerprint ("" = no login), outcome ("refused" | "proven" | ""),
--       finding (what "repeated" answers), window ms, hold ms
local account, places = KEYS[1], KEYS[2]
local ticket, protocol, fingerprint, outcome, finding = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local window, hold = tonumber(ARGV[6]), tonumber(ARGV[7])

redis.call('ZREM', places, ticket)
if fingerprint == '' then return end

local flight = redis.call('HGET', account, 'flight:' .. protocol)
if flight and string.match(flight, ' (.*)$') == ticket then
  redis.call('HDEL', account, 'flight:' .. protocol)
end

if outcome == '' then return end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if outcome == 'refused' then
  redis.call('HSET', account, 'refused:' .. fingerprint, now .. ' ' .. finding)
  redis.call('PEXPIRE', account, window + hold)
elseif redis.call('EXISTS', account) == 1 then
  -- A login that worked ends the count, as it does at the providers; what was refused stays known.
  redis.call('HSET', account, 'proven', now)
end
