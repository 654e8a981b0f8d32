-- Lend due work. ARGV: stage, due set, item prefix, lease ms, limit, most claims.
-- Returns {id, fence, item fields...} for each; work that was claimed too often is quarantined instead.
local stage, due, prefix = ARGV[1], K .. ARGV[2], K .. ARGV[3]
local now = now_ms()
local claimed = {}
for _, id in ipairs(redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[5])) do
  local item = prefix .. id
  if redis.call('HINCRBY', item, 'claims', 1) > tonumber(ARGV[6]) then
    redis.call('ZREM', due, id)
    redis.call('ZADD', K .. 'quarantine:' .. stage, now, id)
    count('tocsin_quarantined_total{stage="' .. stage .. '"}')
  else
    local fence = redis.call('INCR', K .. 'fence')
    redis.call('HSET', item, 'fence', fence)
    redis.call('ZADD', due, now + ARGV[4], id)
    claimed[#claimed + 1] = {id, tostring(fence), redis.call('HGETALL', item)}
  end
end
return claimed
