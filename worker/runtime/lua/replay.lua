-- Queue ended deliveries again under their ids. ARGV: JSON {alert, endpoints, since_ms}. Returns their ids.
local work, now = cjson.decode(ARGV[1]), now_ms()
local replayed = {}

local function queue_again(id)
  local delivery = K .. 'delivery:' .. id
  local name = redis.call('HGET', delivery, 'endpoint')
  local in_quarantine = redis.call('ZREM', K .. 'quarantine:deliver', id) == 1
  if not name or (redis.call('HGET', delivery, 'state') == 'due' and not in_quarantine) then return end
  redis.call('ZREM', K .. 'dead:' .. name, id)
  redis.call('HSET', delivery, 'state', 'due', 'attempts', 0, 'queued_at', now)
  redis.call('HDEL', delivery, 'claims', 'ended_at')
  redis.call('PERSIST', delivery)
  redis.call('PERSIST', delivery .. ':attempts')
  redis.call('ZADD', K .. 'outbox:' .. name, now, id)
  count('tocsin_replayed_total{endpoint="' .. name .. '"}')
  replayed[#replayed + 1] = id
end

local wanted = {}
for _, name in ipairs(work.endpoints) do wanted[name] = true end
if work.alert ~= '' then
  for _, id in ipairs(redis.call('LRANGE', K .. 'alert:' .. work.alert .. ':deliveries', 0, -1)) do
    if wanted[redis.call('HGET', K .. 'delivery:' .. id, 'endpoint')] then queue_again(id) end
  end
else
  for _, name in ipairs(work.endpoints) do
    for _, id in ipairs(redis.call('ZRANGE', K .. 'dead:' .. name, work.since_ms, '+inf', 'BYSCORE')) do queue_again(id) end
  end
  for _, id in ipairs(redis.call('ZRANGE', K .. 'quarantine:deliver', work.since_ms, '+inf', 'BYSCORE')) do
    if wanted[redis.call('HGET', K .. 'delivery:' .. id, 'endpoint')] then queue_again(id) end
  end
end
if #replayed > 0 then audit('requeued', {'alert', work.alert, 'deliveries', replayed}) end
return replayed
