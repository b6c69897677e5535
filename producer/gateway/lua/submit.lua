-- Submit one job, or find the one that was submitted under this id before. All in one step, so
-- that a crash leaves either nothing or a job that a worker will run.
-- KEYS  1 origin of the job  2 request  3 result  4 messages  5 queue  6 rate of the caller
--       7 owner of the job, as every producer claims it (producer.contract.ownership)
-- ARGV  1 owner  2 mark  3 kind  4 number of items  5 seconds the origin lives  6 request
--       7 seconds the request lives  8 redis message id  9 message  10 submits a minute, 0 no limit
--       11 '1' where a worker is there to run it, or nobody waits  12 dealer or brand, hashed
-- Returns {'new'} {'waiting'} {'done', result} {'conflict'} {'no worker'} {'limited', milliseconds}.
local origin = redis.call('HMGET', KEYS[1], 'owner', 'mark')
if origin[1] then
  if origin[1] ~= ARGV[1] or origin[2] ~= ARGV[2] then return {'conflict'} end
  local holder = redis.call('GET', KEYS[7])
  if holder and holder ~= ARGV[12] then return {'conflict'} end
  local result = redis.call('GET', KEYS[3])
  if result then return {'done', result} end
  if redis.call('EXISTS', KEYS[2]) == 1 then return {'waiting'} end
  -- The first result has expired: the job runs again, as it does for every other producer.
elseif redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then
  return {'conflict'}  -- It came by Redis: whose it is, nobody can tell.
end
if ARGV[11] ~= '1' then return {'no worker'} end
local limit = tonumber(ARGV[10])
if limit > 0 then
  local count = redis.call('INCR', KEYS[6])
  if count == 1 then redis.call('EXPIRE', KEYS[6], 60) end
  if count > limit then return {'limited', redis.call('PTTL', KEYS[6])} end
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'mark', ARGV[2], 'kind', ARGV[3], 'total', ARGV[4],
  'party', ARGV[12])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('SET', KEYS[2], ARGV[6], 'NX', 'EX', ARGV[7])
redis.call('SET', KEYS[7], ARGV[12], 'NX', 'EX', ARGV[7])
redis.call('HSET', KEYS[4], ARGV[8], ARGV[9])
redis.call('RPUSH', KEYS[5], ARGV[8])
return {'new'}
