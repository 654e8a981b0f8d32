-- Let every group be looked at now: another configuration may let it speak sooner. One that is lent out is left alone.
-- Returns how many.
local now, moved = now_ms(), 0
for _, id in ipairs(redis.call('ZRANGE', K .. 'groups:due', 0, -1)) do
  if tonumber(redis.call('HGET', K .. 'group:' .. id, 'lent_until') or 0) <= now then
    moved = moved + redis.call('ZADD', K .. 'groups:due', 'LT', 'CH', now, id)
  end
end
return moved
