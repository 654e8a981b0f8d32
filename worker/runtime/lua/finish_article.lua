-- Store an analysis with its alerts and deliveries, all or nothing.
-- ARGV: article id, fence, JSON {analysis, keep_ms, counts, trend, trend_keep_ms, alerts}.
-- An alert: {id, record, watch, severity, is_shadow, counts, deliveries = {{id, endpoint, body}}}. Returns new alerts or -1.
local id, fence, work = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local article = K .. 'article:' .. id
if not is_current(article, fence, 'enrich') then return -1 end
local now = now_ms()
local raised = 0
local hour = K .. 'trend:' .. math.floor(now / 3600000)

for _, alert in ipairs(work.alerts) do
  local key = K .. 'alert:' .. alert.id
  if redis.call('HSETNX', key, 'record', alert.record) == 1 then
    redis.call('HSET', key, 'watch', alert.watch, 'severity', alert.severity, 'article', id, 'raised_at', now,
      'is_shadow', alert.is_shadow and 1 or 0)
    redis.call('ZADD', K .. 'alerts', now, alert.id)
    count_all(alert.counts)
    for _, name in ipairs({'alerts', 'watch:' .. alert.watch, 'severity:' .. alert.severity}) do
      redis.call('HINCRBY', hour, name, 1)
    end
    raised = raised + 1
    for _, delivery in ipairs(alert.deliveries) do
      redis.call('HSET', K .. 'delivery:' .. delivery.id, 'alert', alert.id, 'endpoint', delivery.endpoint,
        'body', delivery.body, 'created_at', now, 'attempts', 0, 'state', 'due')
      redis.call('ZADD', K .. 'outbox:' .. delivery.endpoint, 'NX', now, delivery.id)
      redis.call('SADD', K .. 'endpoints', delivery.endpoint)
      redis.call('RPUSH', key .. ':deliveries', delivery.id)
    end
  else
    count('tocsin_alerts_repeated_total')
  end
end

-- an article that was edited and is read again counts in its first hour only
if redis.call('HSETNX', article, 'trended', 1) == 1 then
  for _, name in ipairs(work.trend) do redis.call('HINCRBY', hour, name, 1) end
  redis.call('PEXPIRE', hour, work.trend_keep_ms)
end

count_all(work.counts)
redis.call('HSET', article, 'analysis', work.analysis, 'state', 'done')
redis.call('HDEL', article, 'claims')
redis.call('ZREM', K .. 'articles:due', id)
redis.call('PEXPIRE', article, work.keep_ms)
redis.call('HSET', K .. 'progress', 'enrich', now)
return raised
