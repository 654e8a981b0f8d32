-- Remove what is left of an article in quarantine, a feed or an endpoint. ARGV: kind (article, feed, endpoint), id,
-- before (ms; article only). Nothing that came back to life meanwhile. Returns 1 or 0.
local kind, id = ARGV[1], ARGV[2]
if kind == 'article' then
  local at = redis.call('ZSCORE', K .. 'quarantine:enrich', id)
  if not at or tonumber(at) >= tonumber(ARGV[3]) then return 0 end
  redis.call('ZREM', K .. 'quarantine:enrich', id)
  redis.call('DEL', K .. 'article:' .. id, K .. 'article:' .. id .. ':feeds')
elseif kind == 'feed' then
  if redis.call('ZSCORE', K .. 'feeds:due', id) then return 0 end
  redis.call('SREM', K .. 'feeds:paused', id)
  redis.call('ZREM', K .. 'quarantine:poll', id)
  redis.call('DEL', K .. 'feed:' .. id)
else
  if redis.call('ZCARD', K .. 'outbox:' .. id) > 0 or redis.call('ZCARD', K .. 'dead:' .. id) > 0 then return 0 end
  redis.call('SREM', K .. 'endpoints', id)
  redis.call('DEL', K .. 'endpoint:' .. id, K .. 'in_flight:' .. id)
end
audit('trimmed', {kind, id})
return 1
