-- Store an analysis with its story, alerts and deliveries, all or nothing.
-- ARGV: article id, fence, JSON {model, keep_ms, counts, trend, trend_keep_ms, alerts, story, decision, trace}; then what is
-- kept as it comes: the analysis, the story, what later articles are compared with, and the decision ('' without one).
-- decision: {config, sha256, analysis_sha256, unknown, fired}; fired: a list of {watch, alert or why_not}.
-- story: {id, version, keys, seen, window_ms, most, per_key}; -2 is returned where the story or the article's kin are no
-- longer what they were when the alerts were made.
-- An alert: {id, record, watch, severity, is_shadow, counts, deliveries}. Returns new alerts, -1 or -2.
local id, fence, work = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local analysis, state, record, decided = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local article = K .. 'article:' .. id
if not is_current(article, fence, 'enrich') then return -1 end
local now = now_ms()
local raised = 0
local hour = K .. 'trend:' .. math.floor(now / 3600000)
local story, tale = work.story, K .. 'story:' .. work.story.id
if tonumber(redis.call('HGET', tale, 'version') or 0) ~= story.version then return -2 end
local is_known = redis.call('HEXISTS', article, 'story') == 1
if not is_known and #story.keys > 0 then
  if not is_same_kin(story.seen, story.keys, now, story.window_ms, story.most, story.per_key) then return -2 end
  remember_kin(story.keys, record, now, story.window_ms)
end
redis.call('HSET', tale, 'state', state, 'version', story.version + 1)
redis.call('PEXPIRE', tale, work.keep_ms)
if story.version == 0 then file_under('stories', story.id, now, work.keep_ms) end
redis.call('HSETNX', article, 'story', story.id)

local revision = redis.call('HGET', article, 'revision') or '0'
local decision = work.decision
if decision and decision ~= cjson.null then
  audit('decided', {'article', id, 'revision', tonumber(revision), 'sha256', decision.sha256,
    'analysis_sha256', decision.analysis_sha256, 'config', decision.config, 'model', work.model, 'story', story.id,
    'unknown', decision.unknown, 'fired', decision.fired})
  redis.call('HSET', article, 'decision', decided, 'decided', revision)
end

for _, alert in ipairs(work.alerts) do
  if raise_alert(alert, id, now) then
    for _, name in ipairs({'alerts', 'watch:' .. alert.watch, 'severity:' .. alert.severity}) do
      redis.call('HINCRBY', hour, name, 1)
    end
    raised = raised + 1
  else
    count('tocsin_alerts_repeated_total')
    audit('repeated', {'alert', alert.id, 'watch', alert.watch, 'article', id})
  end
end

-- an article that was edited and is read again counts in its first hour only
if redis.call('HSETNX', article, 'trended', 1) == 1 then
  for _, name in ipairs(work.trend) do redis.call('HINCRBY', hour, name, 1) end
end
redis.call('PEXPIRE', hour, work.trend_keep_ms)

count_all(work.counts, id)
redis.call('HSET', article, 'analysis', analysis, 'state', 'done')
redis.call('HDEL', article, 'claims', 'fence')
if work.trace ~= '' then redis.call('HSET', article, 'trace', work.trace) end
redis.call('ZREM', K .. 'articles:due', id)
redis.call('PEXPIRE', article, work.keep_ms)
redis.call('HSET', K .. 'progress', 'enrich', now, 'model', work.model)
return raised
