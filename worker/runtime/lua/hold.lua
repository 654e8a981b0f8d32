-- Keep alerts from being told at once. Shared.

-- Put an alert {group, key, look_ms, endpoint, kind} into a group, which is looked at by then at the latest.
-- A group that is lent out is left alone: whoever has it sees to what came meanwhile.
local function hold(alert, held, now)
  local group = K .. 'group:' .. held.group
  redis.call('HSETNX', group, 'key', held.key)
  redis.call('PERSIST', group)
  if redis.call('ZADD', group .. ':waiting', 'NX', now, alert) == 0 then return end
  redis.call('SADD', K .. 'alert:' .. alert .. ':groups', held.group)
  if tonumber(redis.call('HGET', group, 'lent_until') or 0) <= now then
    redis.call('ZADD', K .. 'groups:due', 'LT', held.look_ms, held.group)
  end
  count('tocsin_alerts_held_total{endpoint="' .. held.endpoint .. '",reason="' .. held.kind .. '"}')
end

-- Note that a silence keeps an alert back.
local function suppress(alert, silence, now)
  redis.call('HSET', K .. 'alert:' .. alert, 'silence', silence, 'silenced_at', now)
  redis.call('HINCRBY', K .. 'silence:' .. silence, 'suppressed', 1)
  count('tocsin_alerts_suppressed_total{reason="silence"}')
end

-- Whether a watch may still tell an alert of its own: at most rated.most in any span of rated.per_ms.
local function is_within_rate(alert, rated, now)
  local told = K .. 'rate:' .. rated.watch
  redis.call('ZREMRANGEBYSCORE', told, '-inf', now - rated.per_ms)
  if redis.call('ZCARD', told) >= rated.most then return false end
  redis.call('ZADD', told, now, alert)
  redis.call('PEXPIRE', told, rated.per_ms)
  return true
end
