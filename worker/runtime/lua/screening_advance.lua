-- Hand in a piece of a screening. ARGV: fence, JSON {phase, cursor, looked, articles, found = {{field, ms}...}, lease_ms}.
-- phase '' ends it; lease_ms 0 gives it back. Returns 1, or 0 where another worker has it now.
local key, now, work = K .. 'screening', now_ms(), cjson.decode(ARGV[2])
if redis.call('HGET', key, 'fence') ~= ARGV[1] then return 0 end
for _, pair in ipairs(work.found) do
  redis.call('HSET', K .. 'screening:found', pair[1], pair[2])
end
redis.call('HSET', key, 'phase', work.phase, 'cursor', work.cursor, 'leased_until', now + work.lease_ms,
  'found', redis.call('HLEN', K .. 'screening:found'))
redis.call('HINCRBY', key, 'looked', work.looked)
if work.articles > 0 then count('tocsin_screened_articles_total', work.articles) end
if work.lease_ms == 0 then redis.call('HDEL', key, 'fence') end
if work.phase == '' then
  redis.call('DEL', K .. 'screening:found')
  redis.call('HSET', key, 'finished_at', now)
  redis.call('HDEL', key, 'added')
end
return 1
