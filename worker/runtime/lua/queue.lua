-- Put a delivery {id, alert, endpoint, body, content_type, fetched_ms (0: of no article)} into its endpoint's outbox, due at `at`. Shared.
local function queue(delivery, at, now)
  redis.call('HSET', K .. 'delivery:' .. delivery.id, 'alert', delivery.alert, 'endpoint', delivery.endpoint,
    'body', delivery.body, 'content_type', delivery.content_type, 'created_at', now, 'queued_at', at,
    'fetched_ms', delivery.fetched_ms, 'attempts', 0, 'state', 'due')
  redis.call('ZADD', K .. 'outbox:' .. delivery.endpoint, 'NX', at, delivery.id)
  redis.call('SADD', K .. 'endpoints', delivery.endpoint)
  redis.call('RPUSH', K .. 'alert:' .. delivery.alert .. ':deliveries', delivery.id)
end

-- Store an alert {id, record, watch, severity, is_shadow, counts, deliveries} of an article and queue its deliveries.
-- Whether it was new; one that is known already changes nothing. Shared.
local function raise_alert(alert, article, now)
  local key = K .. 'alert:' .. alert.id
  if redis.call('HSETNX', key, 'record', alert.record) == 0 then return false end
  redis.call('HSET', key, 'watch', alert.watch, 'severity', alert.severity, 'article', article, 'raised_at', now,
    'is_shadow', alert.is_shadow and 1 or 0)
  redis.call('ZADD', K .. 'alerts', now, alert.id)
  redis.call('ZADD', K .. 'alerts:log', next_number('alerts:last'), alert.id)
  count_all(alert.counts, article)
  local deliveries = {}
  for _, delivery in ipairs(alert.deliveries) do
    queue(delivery, now, now)
    deliveries[#deliveries + 1] = {endpoint = delivery.endpoint, id = delivery.id, sha1 = redis.sha1hex(delivery.body)}
  end
  audit('raised', {'alert', alert.id, 'watch', alert.watch, 'severity', alert.severity, 'article', article,
    'is_shadow', alert.is_shadow, 'record_sha1', redis.sha1hex(alert.record), 'deliveries', deliveries})
  return true
end
