local MESSAGE_KEPT_MS = 30 * 86400000

-- Put a delivery {id, alert, endpoint, body, content_type, fetched_ms (0: of no article)} into its endpoint's outbox, due at `at`. Shared.
local function queue(delivery, at, now)
  redis.call('ZADD', K .. 'outbox:' .. delivery.endpoint, 'NX', at, delivery.id)
  redis.call('SADD', K .. 'endpoints', delivery.endpoint)
  redis.call('HSET', K .. 'delivery:' .. delivery.id, 'alert', delivery.alert, 'endpoint', delivery.endpoint,
    'body', delivery.body, 'content_type', delivery.content_type, 'created_at', now, 'queued_at', at,
    'fetched_ms', delivery.fetched_ms, 'attempts', 0, 'state', 'due')
  local alert = K .. 'alert:' .. delivery.alert
  redis.call('RPUSH', alert .. ':deliveries', delivery.id)
  if redis.call('EXISTS', alert) == 0 then  -- a message of a group, or on an endpoint: no alert, which would be trimmed
    redis.call('PEXPIRE', alert .. ':deliveries', MESSAGE_KEPT_MS)
  end
end

-- Pass an alert on: queue `deliveries`, put it into the groups of `held`. `told` gains what the audit record says of it.
local function pass_on(alert, steps, now, told)
  for _, delivery in ipairs(steps.deliveries) do
    -- of an alert that failed on its way some may be out: they stay what they are
    if redis.call('HEXISTS', K .. 'delivery:' .. delivery.id, 'state') == 0 then queue(delivery, now, now) end
    table.insert(told.deliveries, {endpoint = delivery.endpoint, id = delivery.id, sha1 = redis.sha1hex(delivery.body)})
  end
  for _, held in ipairs(steps.held) do
    hold(alert.id, held, now)
    table.insert(told.held, {endpoint = held.endpoint, group = held.group, kind = held.kind})
  end
end

-- Store an alert {id, record, watch, severity, is_shadow, counts} of an article and pass it on.
-- `deliveries` and `held` are what becomes of it at any rate; `rated` {watch, most, per_ms, within, beyond}, by its
-- watch's rate cap; `silence` keeps it back. `card` and `labels` are what a group's message is made of.
-- Whether it was new; one that is known already changes nothing. One that fails on its way is forgotten, so that it is raised
-- when it is told again. Shared.
local function tell(alert, key, article, now)
  redis.call('HSET', key, 'watch', alert.watch, 'severity', alert.severity, 'article', article, 'raised_at', now,
    'is_shadow', alert.is_shadow and 1 or 0)
  redis.call('ZADD', K .. 'alerts', now, alert.id)
  redis.call('ZADD', K .. 'alerts:log', next_number('alerts:last'), alert.id)
  count_all(alert.counts, article)
  local told = {deliveries = {}, held = {}}
  if alert.card then redis.call('HSET', key, 'card', alert.card, 'labels', alert.labels) end
  if alert.silence then suppress(alert.id, alert.silence, now) end
  pass_on(alert, alert, now, told)
  if alert.rated then
    local is_within = is_within_rate(alert.id, alert.rated, now)
    pass_on(alert, is_within and alert.rated.within or alert.rated.beyond, now, told)
  end
  audit('raised', {'alert', alert.id, 'watch', alert.watch, 'severity', alert.severity, 'article', article,
    'is_shadow', alert.is_shadow, 'record_sha1', redis.sha1hex(alert.record), 'deliveries', told.deliveries,
    'held', told.held, 'silence', alert.silence})
end

local function raise_alert(alert, article, now)
  local key = K .. 'alert:' .. alert.id
  if redis.call('HSETNX', key, 'record', alert.record) == 0 then return false end
  local is_done, why = pcall(tell, alert, key, article, now)
  if not is_done then
    redis.call('DEL', key)
    error(why, 0)
  end
  return true
end
