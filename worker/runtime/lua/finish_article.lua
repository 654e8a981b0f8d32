-- Store an analysis with its alerts and deliveries, all or nothing.
-- ARGV: article id, fence, JSON {analysis, keep_ms, counts, alerts}.
-- An alert: {id, record, watch, severity, is_shadow, deliveries}. Returns new alerts or -1.
local id, fence, work = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local article = K .. 'article:' .. id
if not is_current(article, fence, 'enrich') then return -1 end
local now = now_ms()
local raised = 0

for _, alert in ipairs(work.alerts) do
  local key = K .. 'alert:' .. alert.id
  if redis.call('HSETNX', key, 'record', alert.record) == 1 then
    redis.call('HSET', key, 'watch', alert.watch, 'severity', alert.severity, 'article', id, 'raised_at', now,
      'is_shadow', alert.is_shadow and 1 or 0)
    redis.call('ZADD', K .. 'alerts', now, alert.id)
    count(alert.series)
    raised = raised + 1
    for _, delivery in ipairs(alert.deliveries) do
      queue(delivery, now, now)
    end
  else
    count('tocsin_alerts_repeated_total')
  end
end

count_all(work.counts)
redis.call('HSET', article, 'analysis', work.analysis, 'state', 'done')
redis.call('HDEL', article, 'claims')
redis.call('ZREM', K .. 'articles:due', id)
redis.call('PEXPIRE', article, work.keep_ms)
redis.call('HSET', K .. 'progress', 'enrich', now)
return raised
