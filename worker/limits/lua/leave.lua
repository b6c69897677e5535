-- Give the place back and remember how the login ended.
--
-- KEYS  account, places (as in enter.lua; left out where hosts have no limit)
-- ARGV  ticket, protocol, fingerprint ("" = no login; the ticket again: counts, is not repeated),
--       outcome ("refused" | "proven" | "");
--       where it was refused also: finding (what "repeated" answers), window ms, hold ms
local account, places = KEYS[1], KEYS[2]
local ticket, protocol, fingerprint, outcome = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if places then redis.call('ZREM', places, ticket) end
if fingerprint == '' then return end

local flight, refused_before = nil, false
if outcome == 'proven' then
  local remembered = redis.call('HGETALL', account)
  for i = 1, #remembered, 2 do
    if remembered[i] == 'flight:' .. protocol then flight = remembered[i + 1] end
    refused_before = refused_before or string.sub(remembered[i], 1, 8) == 'refused:'
  end
else
  flight = redis.call('HGET', account, 'flight:' .. protocol)
end
if flight and string.match(flight, ' (.*)$') == ticket then
  redis.call('HDEL', account, 'flight:' .. protocol)
end

-- A login that worked ends the count, as it does at the providers; what was refused stays known.
-- Where nothing was refused there is no count to end.
if outcome ~= 'refused' and not refused_before then return end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if outcome == 'refused' then
  local finding, window, hold = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
  redis.call('HSET', account, 'refused:' .. fingerprint, now .. ' ' .. finding)
  redis.call('PEXPIRE', account, window + hold)
else
  redis.call('HSET', account, 'proven', now)
end
