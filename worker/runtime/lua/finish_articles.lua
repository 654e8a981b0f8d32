-- Store analyses with their stories, alerts and deliveries, each article all or nothing, in order.
-- ARGV: JSON {keep_ms, trend_keep_ms, window_ms, per_key}, JSON list of names; then for each article: id, fence, JSON
-- {counts, trend, model, alerts, story, trace}, the places of the keys of its story, and what is kept as it comes: the
-- analysis, the story, what later articles are compared with, the decision ('' without one), and what the audit record says
-- of that. counts: places in the list of names and amounts by turns; trend: such places.
-- story: {id, version, seen}. An alert: {id, record, watch, severity, is_shadow, counts, deliveries}.
-- Returns for each its new alerts, -1 where the claim is outdated, -2 where the story or the article's kin are no longer what
-- they were when the alerts were made, or the error that it failed with: that costs no other article.
local common, names, now = cjson.decode(ARGV[1]), cjson.decode(ARGV[2]), now_ms()
local keep_ms = whole(common.keep_ms)
local hour = K .. 'trend:' .. math.floor(now / 3600000)
local trend, through, begun, model = {}, {}, {}, nil
local joined -- the story of the article at hand, once others find it there

local function count_places(counts, article)
  for i = 1, #counts, 2 do
    local series = names[counts[i]]
    count(series, counts[i + 1])
    if is_bucket(series) then keep_exemplar(series, article .. ' ' .. counts[i + 3] .. ' ' .. now) end
  end
end

local function finish(id, fence, told, keys, analysis, state, record, decided, said)
  local work, article = cjson.decode(told), K .. 'article:' .. id
  local kept = redis.call('HMGET', article, 'fence', 'story', 'revision', 'trended')
  if kept[1] ~= fence then
    count_stale('enrich')
    return -1
  end
  local raised = 0
  local story, tale = work.story, K .. 'story:' .. work.story.id
  if tonumber(redis.call('HGET', tale, 'version') or 0) ~= story.version then return -2 end
  if not kept[2] and keys ~= '' then
    local places = places_of(keys)
    if has_new_kin(story.seen, places, now, common.window_ms) then return -2 end
    remember_kin(places, record, now, common)
    joined = story.id
  end

  local facts = {'analysis', analysis, 'state', 'done', 'story', kept[2] or story.id}
  if decided ~= '' then
    local revision = kept[3] or '0'
    audit('decided', {'article', id, 'revision', tonumber(revision)}, said)
    push(facts, 'decision', decided, 'decided', revision)
  end

  for _, alert in ipairs(work.alerts) do
    if raise_alert(alert, id, now) then
      for _, name in ipairs({'alerts', 'watch:' .. alert.watch, 'severity:' .. alert.severity}) do
        trend[name] = (trend[name] or 0) + 1
      end
      raised = raised + 1
    else
      count('tocsin_alerts_repeated_total')
      audit('repeated', {'alert', alert.id, 'watch', alert.watch, 'article', id})
    end
  end

  -- behind its alerts: a story that says they were told would keep those back that failed
  redis.call('HSET', tale, 'state', state, 'version', story.version + 1)
  redis.call('PEXPIRE', tale, keep_ms)
  if story.version == 0 then add_pair(begun, now, story.id) end

  -- an article that was edited and is read again counts in its first hour only
  if not kept[4] then
    push(facts, 'trended', 1)
    for _, place in ipairs(work.trend) do trend[names[place]] = (trend[names[place]] or 0) + 1 end
  end
  if work.trace ~= '' then push(facts, 'trace', work.trace) end
  count_places(work.counts, id)
  redis.call('HSET', article, unpack(facts))
  redis.call('HDEL', article, 'claims', 'fence')
  redis.call('PEXPIRE', article, keep_ms)
  push(through, id)
  model = work.model
  return raised
end

local answers = {}
defer_counts()
for at = 3, #ARGV, 9 do
  joined = nil
  local is_done, answer = pcall(finish, unpack(ARGV, at, at + 8))
  -- what failed after its kin were told of it, and is told again, is no kin of its own
  if not is_done and joined then redis.call('HSET', K .. 'article:' .. ARGV[at], 'story', joined) end
  answers[#answers + 1] = is_done and answer or failure(answer)
end
if #begun > 0 then
  add_pairs('ZADD', K .. 'stories', begun)
  redis.call('ZREMRANGEBYSCORE', K .. 'stories', '-inf', now - common.keep_ms)
end
if #through > 0 then
  redis.call('ZREM', K .. 'articles:due', unpack(through))
  add_to('HINCRBY', hour, trend)
  redis.call('PEXPIRE', hour, common.trend_keep_ms)
  redis.call('HSET', K .. 'progress', 'enrich', now, 'model', model)
end
make_counts()
return answers
