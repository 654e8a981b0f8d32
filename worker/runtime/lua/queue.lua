-- Put a delivery {id, alert, endpoint, body, content_type, fetched_ms (0: of no article)} into its endpoint's outbox, due at `at`. Shared.
local function queue(delivery, at, now)
  redis.call('HSET', K .. 'delivery:' .. delivery.id, 'alert', delivery.alert, 'endpoint', delivery.endpoint,
    'body', delivery.body, 'content_type', delivery.content_type, 'created_at', now, 'queued_at', at,
    'fetched_ms', delivery.fetched_ms, 'attempts', 0, 'state', 'due')
  redis.call('ZADD', K .. 'outbox:' .. delivery.endpoint, 'NX', at, delivery.id)
  redis.call('SADD', K .. 'endpoints', delivery.endpoint)
  redis.call('RPUSH', K .. 'alert:' .. delivery.alert .. ':deliveries', delivery.id)
end
