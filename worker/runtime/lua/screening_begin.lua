-- Note what lists hold now, and begin to screen stored articles for what came onto them.
-- ARGV: the digest that was read, the new digest, JSON {known = {list = packed}, added = packed by list or '', total}.
-- Returns 1; 0 where another process was first, or a screening still runs.
local key, now = K .. 'screening', now_ms()
local work = cjson.decode(ARGV[3])
if (redis.call('HGET', key, 'digest') or '') ~= ARGV[1] then return 0 end
if (redis.call('HGET', key, 'phase') or '') ~= '' then return 0 end
redis.call('HSET', key, 'digest', ARGV[2])
for list, packed in pairs(work.known) do redis.call('HSET', K .. 'screening:known', list, packed) end
if work.added ~= '' then
  redis.call('DEL', K .. 'screening:found')
  redis.call('HSET', key, 'phase', 'scan', 'added', work.added, 'cursor', 0, 'looked', 0, 'raised', 0, 'found', 0,
    'total', work.total, 'started_at', now, 'epoch', '', 'leased_until', 0)
  redis.call('HDEL', key, 'finished_at')
  count('tocsin_screenings_total')
end
return 1
