-- Lend due deliveries of one endpoint as its circuit allows.
-- ARGV: endpoint, lease ms, at once, most claims, probe every ms. Returns {id, fence, is probe, fields, trace} for each.
local name, now = ARGV[1], now_ms()
local outbox, in_flight, endpoint = K .. 'outbox:' .. name, K .. 'in_flight:' .. name, K .. 'endpoint:' .. name
local circuit = redis.call('HGET', endpoint, 'circuit') or 'closed'
if circuit == 'paused' then return {} end
redis.call('ZREMRANGEBYSCORE', in_flight, '-inf', now)

local function first_waiting()
  for _, id in ipairs(redis.call('ZRANGE', outbox, 0, ARGV[3])) do
    if not redis.call('ZSCORE', in_flight, id) then return {id} end
  end
  return {}
end

local function trace_of(item)
  local article = redis.call('HGET', K .. 'alert:' .. (redis.call('HGET', item, 'alert') or ''), 'article')
  return article and redis.call('HGET', K .. 'article:' .. article, 'trace') or ''
end

local ids
local is_probe = circuit ~= 'closed'
if is_probe then
  if now < tonumber(redis.call('HGET', endpoint, 'probe_at') or 0) then return {} end
  ids = first_waiting()
  if #ids == 0 then return {} end
  redis.call('HSET', endpoint, 'circuit', 'half_open', 'probe_at', now + ARGV[5])
else
  local room = ARGV[3] - redis.call('ZCARD', in_flight)
  if room <= 0 then return {} end
  ids = redis.call('ZRANGE', outbox, '-inf', now, 'BYSCORE', 'LIMIT', 0, room)
end

local claimed = {}
for _, id in ipairs(ids) do
  local item = K .. 'delivery:' .. id
  if redis.call('HINCRBY', item, 'claims', 1) > tonumber(ARGV[4]) then
    quarantine('deliver', outbox, item, id, now, ARGV[4])
  else
    local fence = next_fence()
    redis.call('HSET', item, 'fence', fence)
    redis.call('ZADD', outbox, now + ARGV[2], id)
    redis.call('ZADD', in_flight, now + ARGV[2], id)
    claimed[#claimed + 1] = {id, fence, is_probe and 1 or 0, redis.call('HGETALL', item), trace_of(item)}
  end
end
return claimed
