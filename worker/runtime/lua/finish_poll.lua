-- Store what a poll brought. ARGV: feed id, fence, JSON {state, next_ms, remember_ms, keep_ms, counts, drafts, alerts}.
-- A draft: {id, aliases, content, sha256, record, remembered}. Returns {new, revised, known, remembered} or {-1}.
local feed, fence, work = K .. 'feed:' .. ARGV[1], ARGV[2], cjson.decode(ARGV[3])
if not is_current(feed, fence, 'poll') then return {-1} end
local now = now_ms()
local MOST_REVISIONS = 10
local new, revised, known, remembered = 0, 0, 0, 0
local set_aside = {}

local function known_as(aliases)
  for _, alias in ipairs(aliases) do
    local id = redis.call('GET', K .. 'seen:' .. alias)
    if id then return id end
  end
  return nil
end

-- A revision that was decided stays as it was, for replaying what it raised.
local function keep_decided(article)
  local kept = redis.call('HMGET', article, 'record', 'first_seen', 'analysis', 'decision')
  if not kept[4] then return end
  local past = article .. ':was:' .. (redis.call('HGET', article, 'decided') or '0')
  redis.call('HSET', past, 'record', kept[1], 'first_seen', kept[2], 'analysis', kept[3], 'decision', kept[4])
  redis.call('PEXPIRE', past, work.keep_ms)
  redis.call('HDEL', article, 'decision')
end

local function audit_set_aside(reason)
  if set_aside[reason] then audit('set_aside', {'reason', reason, 'feed', ARGV[1], 'articles', set_aside[reason]}) end
end

for _, draft in ipairs(work.drafts) do
  local id = known_as(draft.aliases)
  for _, alias in ipairs(draft.aliases) do
    redis.call('SET', K .. 'seen:' .. alias, id or draft.id, 'NX')
    redis.call('PEXPIRE', K .. 'seen:' .. alias, work.remember_ms)
  end
  local article = K .. 'article:' .. (id or draft.id)
  if not id then
    redis.call('HSET', article, 'record', draft.record, 'first_seen', now, 'text:' .. draft.content, 1)
    redis.call('SADD', article .. ':feeds', ARGV[1])
    if draft.remembered ~= '' then
      redis.call('HSET', article, 'state', draft.remembered)
      count('tocsin_articles_total{outcome="' .. draft.remembered .. '"}')
      redis.call('PEXPIRE', article, work.keep_ms)
      remembered = remembered + 1
      local why = set_aside[draft.remembered] or {}
      why[#why + 1] = {article = draft.id, sha256 = draft.sha256}
      set_aside[draft.remembered] = why
    else
      redis.call('HSET', article, 'state', 'due')
      redis.call('ZADD', K .. 'articles:due', now, draft.id)
      count('tocsin_articles_total{outcome="new"}')
      audit('accepted', {'article', draft.id, 'feed', ARGV[1], 'sha256', draft.sha256})
      new = new + 1
    end
    redis.call('PEXPIRE', article .. ':feeds', work.keep_ms)
  else
    redis.call('SADD', article .. ':feeds', ARGV[1])
    redis.call('PEXPIRE', article .. ':feeds', work.keep_ms)
    local state = redis.call('HGET', article, 'state')
    -- what was only remembered, or forgotten since, is read when it comes back changed under a fresh date
    local is_back = draft.is_fresh and (state == 'baseline' or state == 'stale' or not state)
    local is_alive = state == 'done' or state == 'due' or is_back
    -- what was only given a new guid is linked, not read again
    if is_alive and draft.remembered ~= 'rekeyed' and redis.call('HSETNX', article, 'text:' .. draft.content, 1) == 1 then
      if redis.call('HINCRBY', article, 'revision', 1) <= MOST_REVISIONS then
        keep_decided(article)
        -- a new fence: whoever analyses the old text now may not complete the article
        redis.call('HSET', article, 'record', draft.record, 'state', 'due', 'fence', next_fence())
        redis.call('HSETNX', article, 'first_seen', now)
        redis.call('HDEL', article, 'claims')
        redis.call('ZREM', K .. 'quarantine:enrich', id)
        redis.call('PERSIST', article)
        redis.call('ZADD', K .. 'articles:due', now, id)
        count('tocsin_articles_total{outcome="revised"}')
        audit('accepted', {'article', id, 'feed', ARGV[1], 'sha256', draft.sha256,
          'revision', tonumber(redis.call('HGET', article, 'revision'))})
        revised = revised + 1
      else
        count('tocsin_articles_total{outcome="revision_over_limit"}')
      end
    else
      count('tocsin_articles_total{outcome="known"}')
      known = known + 1
    end
  end
end

-- many entries of a first poll are told in one line
for _, reason in ipairs({'baseline', 'stale', 'rekeyed'}) do
  audit_set_aside(reason)
end

-- alerts on the feed itself: its silence is news too
for _, alert in ipairs(work.alerts) do
  raise_alert(alert, alert.article, now)
end

count_all(work.counts)
redis.call('HSET', feed, 'state', work.state)
redis.call('HDEL', feed, 'claims', 'fence')
if redis.call('ZSCORE', K .. 'feeds:due', ARGV[1]) then
  redis.call('ZADD', K .. 'feeds:due', now + work.next_ms, ARGV[1])
end
redis.call('HSET', K .. 'progress', 'poll', now)
return {new, revised, known, remembered}
