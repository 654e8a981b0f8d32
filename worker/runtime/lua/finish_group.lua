-- Store what a group does: its message with the deliveries, and when it is looked at next.
-- ARGV: group id, fence, JSON {seen, spoken, silenced, deliveries, told, look_ms (0: nothing more), keep_ms, counts}.
-- A delivery has `alerts`, those it tells of; one that is there already (told by another route) is not queued again.
-- Returns 1, or 0 if the claim was outdated.
local id, fence, work = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local group = K .. 'group:' .. id
if not is_current(group, fence, 'notify') then return 0 end
local now = now_ms()

local function leave(alert)
  redis.call('ZREM', group .. ':waiting', alert)
  redis.call('SREM', K .. 'alert:' .. alert .. ':groups', id)
end

for _, alert in ipairs(work.spoken) do leave(alert) end
for _, one in ipairs(work.silenced) do
  leave(one.alert)
  suppress(one.alert, one.silence, now)
  audit('suppressed', {'alert', one.alert, 'group', id, 'silence', one.silence})
end
for _, delivery in ipairs(work.deliveries) do
  if redis.call('EXISTS', K .. 'delivery:' .. delivery.id) == 0 then
    queue(delivery, now, now)
    audit('told', {'group', id, 'alerts', delivery.alerts, 'endpoint', delivery.endpoint, 'delivery', delivery.id,
      'sha1', redis.sha1hex(delivery.body)})
    for _, alert in ipairs(delivery.alerts) do
      if alert ~= delivery.alert then redis.call('RPUSH', K .. 'alert:' .. alert .. ':deliveries', delivery.id) end
    end
  end
end
if #work.deliveries > 0 then
  redis.call('HSET', group, 'sent_at', now)
  redis.call('HINCRBY', group, 'sequence', 1)
end
redis.call('DEL', group .. ':told')
if #work.told > 0 then redis.call('RPUSH', group .. ':told', unpack(work.told)) end
count_all(work.counts)
redis.call('HDEL', group, 'claims', 'fence', 'lent_until', 'failure')

local left = redis.call('ZCARD', group .. ':waiting')
if left > work.seen - #work.spoken - #work.silenced then
  redis.call('ZADD', K .. 'groups:due', now, id)
elseif work.look_ms > 0 then
  redis.call('ZADD', K .. 'groups:due', work.look_ms, id)
else
  redis.call('ZREM', K .. 'groups:due', id)
  redis.call('PEXPIRE', group, work.keep_ms)
end
return 1
