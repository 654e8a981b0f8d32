-- Lend subscriptions with which something is due. ARGV: lease ms, limit. Returns {record, version} for each.
local now, claimed = now_ms(), {}
for _, id in ipairs(redis.call('ZRANGE', K .. 'websub:due', '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])) do
  local kept = redis.call('HMGET', K .. 'websub:' .. id, 'record', 'version')
  if kept[1] then
    redis.call('ZADD', K .. 'websub:due', now + ARGV[1], id)
    claimed[#claimed + 1] = kept
  else
    redis.call('ZREM', K .. 'websub:due', id)
  end
end
return claimed
