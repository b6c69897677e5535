-- Delete those keys that are of another type than ours: somebody else wrote them, and while they are
-- there no probe of any account or host behind them goes through. The limits begin anew without them.
--
-- KEYS  any      ARGV  the type that each of them should have      Returns those that were deleted.
local deleted = {}
for i, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= ARGV[i] then
    redis.call('DEL', key)
    deleted[#deleted + 1] = key
  end
end
return deleted
