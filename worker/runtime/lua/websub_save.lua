-- Store a subscription, if nobody changed it meanwhile. ARGV: feed id, expected version, record ('' removes), token,
-- wait ms (-1: nothing is due), event. Returns 1 or 0.
local id, key = ARGV[1], K .. 'websub:' .. ARGV[1]
if tonumber(redis.call('HGET', key, 'version') or 0) ~= tonumber(ARGV[2]) then return 0 end
local before = redis.call('HGET', key, 'token')
if before and before ~= ARGV[4] then redis.call('HDEL', K .. 'websub:tokens', before) end
if ARGV[3] == '' then
  redis.call('DEL', key)
  redis.call('HDEL', K .. 'websub:tokens', ARGV[4])
  redis.call('ZREM', K .. 'websub:due', id)
  redis.call('SREM', K .. 'websub:feeds', id)
  redis.call('HDEL', K .. 'feed:' .. id, 'delivers_until')
else
  redis.call('HSET', key, 'record', ARGV[3], 'token', ARGV[4], 'version', tonumber(ARGV[2]) + 1)
  redis.call('HSET', K .. 'websub:tokens', ARGV[4], id)
  redis.call('SADD', K .. 'websub:feeds', id)
  if tonumber(ARGV[5]) < 0 then
    redis.call('ZREM', K .. 'websub:due', id)
  else
    redis.call('ZADD', K .. 'websub:due', now_ms() + ARGV[5], id)
  end
end
if ARGV[6] ~= '' then count('tocsin_websub_total{event="' .. ARGV[6] .. '"}') end
return 1
