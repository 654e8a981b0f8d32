-- Lend due groups. ARGV: lease ms, limit. Returns {id, fence, fields, waiting with scores, told} for each.
-- One that twice came to nothing is lent alone and ever later, but never given up: alerts wait in it.
local SUSPECT, LATEST = 2, 10
local now, claimed = now_ms(), {}
for _, id in ipairs(redis.call('ZRANGE', K .. 'groups:due', '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])) do
  local group = K .. 'group:' .. id
  local before = tonumber(redis.call('HGET', group, 'claims') or 0)
  if before < SUSPECT or #claimed == 0 then
    local fence, lease = next_fence(), ARGV[1] * math.min(math.max(before, 1), LATEST)
    redis.call('HSET', group, 'fence', fence, 'claims', before + 1, 'lent_until', now + lease)
    redis.call('ZADD', K .. 'groups:due', now + lease, id)
    claimed[#claimed + 1] = {id, fence, redis.call('HGETALL', group),
      redis.call('ZRANGE', group .. ':waiting', 0, -1, 'WITHSCORES'), redis.call('LRANGE', group .. ':told', 0, -1)}
    if before >= SUSPECT then break end
  end
end
return claimed
