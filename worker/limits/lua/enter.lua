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
-- Returns {"admitted"} | {"cooldown", ms} | {"repeated", finding} | {"busy"} | {"full"}
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

local function look_at_account()
  local remembered = redis.call('HGETALL', account)
  local proven, refusals, in_flight, busy, known = 0, {}, 0, false, nil
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
        if name == 'refused:' .. fingerprint then known = rest end
      end
    elseif rest ~= ticket and holds(rest, at) then
      in_flight = in_flight + 1
      busy = busy or name == 'flight:' .. protocol
    end
  end
  if known then return {'repeated', known} end

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
  return nil
end

local function drop_the_dead()
  local held = redis.call('ZRANGE', places, 0, -1, 'WITHSCORES')
  for i = 1, #held, 2 do
    local since = tonumber(held[i + 1])
    if not holds(held[i], since) then
      redis.call('ZREM', places, held[i])
    elseif since > now then
      redis.call('ZADD', places, now, held[i])
    end
  end
end

-- Processes take turns: one place is kept for each that has waited longer than this one.
-- Returns how many those are, and whether this one waits.
local function waiting_before_me()
  local ahead = 0
  for _, name in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do
    if name == process then return ahead, true end
    if lives(name) then ahead = ahead + 1 else redis.call('ZREM', waiting, name) end
  end
  return ahead, false
end

local function is_full(ahead)
  return redis.call('ZCARD', places) + ahead >= host_limit
end

local function take_a_place()
  local ahead, i_wait = waiting_before_me()
  if is_full(ahead) then
    if redis.call('ZSCORE', places, ticket) then return true end
    drop_the_dead()
    if is_full(ahead) then
      redis.call('ZADD', waiting, 'LT', now, process)  -- keeps the first time, after a clock set back this one
      redis.call('PEXPIRE', waiting, hold)
      return false
    end
  end
  if i_wait then redis.call('ZREM', waiting, process) end
  redis.call('ZADD', places, 'NX', now, ticket)
  redis.call('PEXPIRE', places, hold)
  return true
end

if fingerprint ~= '' then
  local no = look_at_account()
  if no then return no end
end
if host_limit > 0 and not take_a_place() then return {'full'} end
if fingerprint ~= '' then
  redis.call('HSET', account, 'flight:' .. protocol, now .. ' ' .. ticket)
  redis.call('PEXPIRE', account, window + hold)
end
return {'admitted'}
