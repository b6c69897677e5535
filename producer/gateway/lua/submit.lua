-- Submit one job, or find the one that was submitted under this id before. All in one step, so
-- that a crash leaves either nothing or a job that a worker will run.
-- KEYS  1 origin of the job  2 request  3 result  4 messages  5 queue  6 rate of the caller
--       7 owner of the job, as every producer claims it (producer.contract.ownership)
-- ARGV  1 caller  2 mark  3 kind  4 number of items  5 seconds the origin lives  6 request
--       7 seconds the request lives  8 redis message id  9 message  10 submits a minute, 0 no limit
--       11 '1' where a worker is there to run it, or nobody waits  12 owner  13 dealer, or ''
-- Returns {'new'} {'waiting'} {'done', result} {'conflict'} {'no worker'} {'limited', milliseconds}
--       {'refused', command, key, what Redis said}.
local refusal

local function refuse(command, key, words)
  refusal = {'refused', command, key, words}
  error('refused')
end

local function call(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err then refuse(command, key, reply.err) end
  return reply
end

-- A script is not undone where it fails half way: what Redis would refuse is found out before the
-- first write. Else a job could be claimed that is in no queue, and wait for ever.
local function require_write(command, key, kind, ...)
  if redis.acl_check_cmd and not redis.acl_check_cmd(command, key, ...) then
    refuse(command, key, 'NOPERM this user may not')
  end
  local found = redis.pcall('TYPE', key).ok  -- nil where this user may not ask
  if found and found ~= 'none' and found ~= kind then
    refuse(command, key, 'WRONGTYPE the key holds a ' .. found)
  end
end

local function submit()
  local origin = call('HMGET', KEYS[1], 'caller', 'mark')
  if origin[1] then
    if origin[1] ~= ARGV[1] or origin[2] ~= ARGV[2] then return {'conflict'} end
    local holder = call('GET', KEYS[7])
    if holder and holder ~= ARGV[12] then return {'conflict'} end
    local result = call('GET', KEYS[3])
    if result then return {'done', result} end
    if call('EXISTS', KEYS[2]) == 1 then return {'waiting'} end
    -- The first result has expired: the job runs again, as it does for every other producer.
  elseif call('EXISTS', KEYS[2]) + call('EXISTS', KEYS[3]) > 0 then
    return {'conflict'}  -- It came by Redis: whose it is, nobody can tell.
  end
  if ARGV[11] ~= '1' then return {'no worker'} end
  require_write('HSET', KEYS[1], 'hash', 'caller', ARGV[1])
  require_write('EXPIRE', KEYS[1], 'hash', ARGV[5])
  require_write('SET', KEYS[2], 'string', '', 'NX', 'EX', ARGV[7])
  require_write('SET', KEYS[7], 'string', '', 'NX', 'EX', ARGV[7])
  require_write('HSET', KEYS[4], 'hash', ARGV[8], '')
  require_write('RPUSH', KEYS[5], 'list', ARGV[8])
  local limit = tonumber(ARGV[10])
  if limit > 0 then
    local count = call('INCR', KEYS[6])
    if count == 1 then call('EXPIRE', KEYS[6], 60) end
    if count > limit then return {'limited', call('PTTL', KEYS[6])} end
  end
  call('HSET', KEYS[1], 'caller', ARGV[1], 'mark', ARGV[2], 'kind', ARGV[3], 'total', ARGV[4],
    'owner', ARGV[12], 'dealer', ARGV[13])
  call('EXPIRE', KEYS[1], ARGV[5])
  call('SET', KEYS[2], ARGV[6], 'NX', 'EX', ARGV[7])
  call('SET', KEYS[7], ARGV[12], 'NX', 'EX', ARGV[7])
  call('HSET', KEYS[4], ARGV[8], ARGV[9])
  call('RPUSH', KEYS[5], ARGV[8])
  return {'new'}
end

local ended, reply = pcall(submit)
if ended then return reply end
return refusal or redis.error_reply('ERR ' .. tostring(reply))
