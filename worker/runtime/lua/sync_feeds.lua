-- Make the schedule hold exactly the given feeds. ARGV: JSON list of feed ids.
-- New feeds are due at once; a feed in quarantine stays there.
local wanted, now = {}, now_ms()
for _, id in ipairs(cjson.decode(ARGV[1])) do
  wanted[id] = true
  if not redis.call('ZSCORE', K .. 'quarantine:poll', id) then
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
