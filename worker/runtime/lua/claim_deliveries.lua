-- Lend due deliveries of one endpoint as its circuit allows.
-- What twice never came back is suspect: of these one is out at a time over all endpoints, and lent alone, so that what
-- kills whoever sends it takes no innocent into quarantine.
-- ARGV: endpoint, lease ms, at once, most claims, probe every ms. Returns {id, fence, is probe, fields, trace} for each.
local name, now = ARGV[1], now_ms()
local outbox, in_flight, endpoint = K .. 'outbox:' .. name, K .. 'in_flight:' .. name, K .. 'endpoint:' .. name
local circuit = redis.call('HGET', endpoint, 'circuit') or 'closed'
if circuit == 'paused' then return {} end
if now < tonumber(redis.call('HGET', endpoint, 'held_until') or 0) then return {} end
redis.call('ZREMRANGEBYSCORE', in_flight, '-inf', now)

local SUSPECT, MORE = 2, 20
local suspect = redis.call('HMGET', K .. 'suspect', 'delivery', 'until')
local is_suspect_out = suspect[1] and now < tonumber(suspect[2])

local function is_suspect(id)
  return tonumber(redis.call('HGET', K .. 'delivery:' .. id, 'claims') or 0) >= SUSPECT
end

local function may_go(id)
  return not redis.call('ZSCORE', in_flight, id) and not (is_suspect_out and is_suspect(id))
end

local function first_waiting()
  for _, id in ipairs(redis.call('ZRANGE', outbox, 0, ARGV[3] + MORE)) do
    if may_go(id) then return {id} end
  end
  return {}
end

local function due(room)
  local ids = {}
  for _, id in ipairs(redis.call('ZRANGE', outbox, '-inf', now, 'BYSCORE', 'LIMIT', 0, room + MORE)) do
    if #ids == room then break end
    if not (is_suspect_out and is_suspect(id)) then ids[#ids + 1] = id end
  end
  return ids
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
  ids = due(room)
end

local claimed = {}
for _, id in ipairs(ids) do
  local item = K .. 'delivery:' .. id
  local suspicious = is_suspect(id)
  if not suspicious or #claimed == 0 then
    if redis.call('HINCRBY', item, 'claims', 1) > tonumber(ARGV[4]) then
      quarantine('deliver', outbox, item, id, now, ARGV[4])
    else
      local fence = next_fence()
      redis.call('HSET', item, 'fence', fence)
      redis.call('ZADD', outbox, now + ARGV[2], id)
      redis.call('ZADD', in_flight, now + ARGV[2], id)
      claimed[#claimed + 1] = {id, fence, is_probe and 1 or 0, redis.call('HGETALL', item), trace_of(item)}
      if suspicious then
        redis.call('HSET', K .. 'suspect', 'delivery', id, 'until', now + ARGV[2])
        break
      end
    end
  end
end
return claimed
