-- Hand over what waits for an endpoint, and its dead letters, to another: the same ids and bytes. ARGV: from, to.
-- What is on its way stays until its lease ends. Returns how many.
local old, new, now = ARGV[1], ARGV[2], now_ms()
local moved = {}
redis.call('ZREMRANGEBYSCORE', K .. 'in_flight:' .. old, '-inf', now)
for _, queue in ipairs({'outbox:', 'dead:'}) do
  local rows = redis.call('ZRANGE', K .. queue .. old, 0, -1, 'WITHSCORES')
  for i = 1, #rows, 2 do
    local id = rows[i]
    if not redis.call('ZSCORE', K .. 'in_flight:' .. old, id) then
      redis.call('ZREM', K .. queue .. old, id)
      redis.call('ZADD', K .. queue .. new, rows[i + 1], id)
      redis.call('HSET', K .. 'delivery:' .. id, 'endpoint', new)
      moved[#moved + 1] = id
    end
  end
end
for _, id in ipairs(redis.call('ZRANGE', K .. 'quarantine:deliver', 0, -1)) do
  if redis.call('HGET', K .. 'delivery:' .. id, 'endpoint') == old then
    redis.call('HSET', K .. 'delivery:' .. id, 'endpoint', new)
    moved[#moved + 1] = id
  end
end
if #moved > 0 then
  redis.call('SADD', K .. 'endpoints', new)
  audit('redirected', {'from', old, 'to', new, 'deliveries', moved})
end
return #moved
