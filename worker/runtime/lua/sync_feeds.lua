-- Make the schedule hold exactly the given feeds. ARGV: JSON list of feed ids.
-- New feeds are due at once; a feed that is paused or in quarantine stays out.
local wanted, now = {}, now_ms()
for _, id in ipairs(cjson.decode(ARGV[1])) do
  wanted[id] = true
  local is_out = redis.call('ZSCORE', K .. 'quarantine:poll', id)
    or redis.call('SISMEMBER', K .. 'feeds:paused', id) == 1
  if not is_out then
    redis.call('ZADD', K .. 'feeds:due', 'NX', now, id)
  end
end
local removed = 0
for _, id in ipairs(redis.call('ZRANGE', K .. 'feeds:due', 0, -1)) do
  if not wanted[id] then
    redis.call('ZREM', K .. 'feeds:due', id)
    removed = removed + 1
  end
end
return removed
