-- Give up what is left for an endpoint: what waits, its dead letters and what is in quarantine. ARGV: endpoint, reason, by,
-- how long ended deliveries are kept (ms). What is on its way stays until its lease ends. Returns the ids, and how
-- many stay.
local name, reason, by, now = ARGV[1], ARGV[2], ARGV[3], now_ms()
local dropped = {}

local function drop(id)
  local delivery = K .. 'delivery:' .. id
  redis.call('HSET', delivery, 'state', 'dropped', 'ended_at', now)
  redis.call('HDEL', delivery, 'claims', 'fence')
  redis.call('PEXPIRE', delivery, ARGV[4])
  redis.call('PEXPIRE', delivery .. ':attempts', ARGV[4])
  count('tocsin_deliveries_dropped_total{endpoint="' .. name .. '"}')
  dropped[#dropped + 1] = id
end

redis.call('ZREMRANGEBYSCORE', K .. 'in_flight:' .. name, '-inf', now)
for _, queue in ipairs({'outbox:', 'dead:'}) do
  for _, id in ipairs(redis.call('ZRANGE', K .. queue .. name, 0, -1)) do
    if not redis.call('ZSCORE', K .. 'in_flight:' .. name, id) then
      redis.call('ZREM', K .. queue .. name, id)
      drop(id)
    end
  end
end
for _, id in ipairs(redis.call('ZRANGE', K .. 'quarantine:deliver', 0, -1)) do
  if redis.call('HGET', K .. 'delivery:' .. id, 'endpoint') == name then
    redis.call('ZREM', K .. 'quarantine:deliver', id)
    drop(id)
  end
end
if #dropped > 0 then
  audit('dropped', {'endpoint', name, 'deliveries', dropped, 'reason', reason, 'by', by})
end
return {dropped, redis.call('ZCARD', K .. 'in_flight:' .. name)}
