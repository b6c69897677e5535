-- May this ticket go to the server now? One answer, and where it is yes, the place is taken.
--
-- KEYS  account     hash: "refused:<fingerprint>" -> "<ms> <finding>", "flight:<protocol>" -> "<ms> <ticket>",
--                   "proven" -> "<ms>"; gone where nothing is to be remembered
--       places      zset of one host: ticket -> ms of entering
--       waiting     zset of one host: process -> ms since when one of its probes waits for a place
--       processes   zset: process -> ms until which it counts as alive; "#seen" -> ms of the last sign
--                   of any process; "#quiet" -> ms until which nobody listed is taken for dead
-- ARGV  ticket ("<process>:<number>"), process, protocol, fingerprint ("" = no login),
--       places per host (0 = no limit), refused logins per account (0 = no limit), window ms,
--       hold ms (nobody holds a place longer), life ms (of a process without a beat)
--
-- Returns 1 for yes | {"cooldown", ms} | {"repeated", finding} | {"busy"} | {"full"}
local account, places, waiting, processes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ticket, process, protocol, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local host_limit, login_limit = tonumber(ARGV[5]), tonumber(ARGV[6])
local window, hold, life = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local known = redis.call('ZMSCORE', processes, process, '#seen', '#quiet')
local alive_until, seen, quiet = tonumber(known[1] or 0), tonumber(known[2] or now), known[3]

-- The beats of this process come sooner: this is for its first ticket, and for beats that are late.
if alive_until < now + life / 2 or alive_until > now + life then
  if redis.call('ZADD', processes, now + life, process) == 1 then
    redis.call('PEXPIRE', processes, life + hold)
  end
end

-- No process was heard of for a while: Redis was away, or a failover brought another clock. Then all
-- look dead; the living get the time to beat again.
if now < seen or now - seen > life / 2 then
  quiet = now + life / 2
  redis.call('ZADD', processes, quiet, '#quiet')
end
if now < seen or now - seen > life / 8 or not known[2] then
  redis.call('ZADD', processes, now, '#seen')
end
local is_quiet = tonumber(quiet or 0) > now

local known_to_live = {[process] = true}
local function lives(name)
  if known_to_live[name] == nil then
    local until_ms = tonumber(redis.call('ZSCORE', processes, name) or 0)
    -- Nobody is alive for longer than a life: more than that was said by a clock that is no more.
    local beats = until_ms > now and until_ms <= now + life
    known_to_live[name] = beats or (until_ms > 0 and is_quiet)
  end
  return known_to_live[name]
end

local function holds(holder, since)
  return now - since < hold and lives(string.match(holder, '^[^:]+') or '')
end

local remembered = fingerprint ~= '' and redis.call('HGETALL', account) or {}
if #remembered > 0 then
  local proven, refusals, in_flight, busy, known_finding = 0, {}, 0, false, nil
  for i = 1, #remembered, 2 do
    local name, at, rest = remembered[i], string.match(remembered[i + 1], '^(%d+) ?(.*)$')
    at = tonumber(at or 0)  -- what is no time is long over
    if at > now then
      -- Redis' clock was set back: what is to come counts as now, else it would last for hours.
      at = now
      redis.call('HSET', account, name, rest == '' and now or now .. ' ' .. rest)
    end
    if name == 'proven' then
      proven = at
    elseif string.sub(name, 1, 8) == 'refused:' then
      if at + window <= now then
        redis.call('HDEL', account, name)
      else
        refusals[#refusals + 1] = at
        if name == 'refused:' .. fingerprint then known_finding = rest end
      end
    elseif rest ~= ticket and holds(rest, at) then
      in_flight = in_flight + 1
      busy = busy or name == 'flight:' .. protocol
    end
  end
  if known_finding then return {'repeated', known_finding} end

  local counted = {}
  for _, at in ipairs(refusals) do
    if at > proven then counted[#counted + 1] = at end
  end
  if login_limit > 0 and #counted >= login_limit then
    table.sort(counted)
    return {'cooldown', counted[#counted - login_limit + 1] + window - now}
  end
  -- A login in flight may be refused yet: it counts until it is known.
  if busy or (login_limit > 0 and #counted + in_flight >= login_limit) then return {'busy'} end
end

if host_limit > 0 then
  -- Processes take turns: one place is kept for each that has waited longer than this one.
  local ahead, i_wait = 0, false
  for _, name in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do
    i_wait = name == process
    if i_wait then break end
    if lives(name) then ahead = ahead + 1 else redis.call('ZREM', waiting, name) end
  end

  local full = redis.call('ZCARD', places) + ahead >= host_limit
  if full and not redis.call('ZSCORE', places, ticket) then
    local held = redis.call('ZRANGE', places, 0, -1, 'WITHSCORES')
    for i = 1, #held, 2 do
      local since = tonumber(held[i + 1])
      if not holds(held[i], since) then
        redis.call('ZREM', places, held[i])
      elseif since > now then
        redis.call('ZADD', places, now, held[i])
      end
    end
    if redis.call('ZCARD', places) + ahead >= host_limit then
      redis.call('ZADD', waiting, 'LT', now, process)  -- keeps the first time, after a clock set back this one
      redis.call('PEXPIRE', waiting, hold)
      return {'full'}
    end
  end
  if i_wait then redis.call('ZREM', waiting, process) end
  redis.call('ZADD', places, 'NX', now, ticket)
  redis.call('PEXPIRE', places, hold)
end

if fingerprint ~= '' then
  redis.call('HSET', account, 'flight:' .. protocol, now .. ' ' .. ticket)
  redis.call('PEXPIRE', account, window + hold)
end
return 1
