-- Store what a poll brought. ARGV: feed id, fence, JSON {next_ms, remember_ms, keep_ms, patience_ms, counts, pushes, drafts,
-- alerts}, state, marks, seen_at, and each draft's record, which goes as it is.
-- A draft: {id, aliases, address, content, sha256, remembered, is_fresh, wants_page}.
-- Returns {new, revised, known, remembered} or {-1}; where an entry fails, its error when the others are in.
local RECORDS = 6 -- so many arguments stand before them
local feed, fence, work = K .. 'feed:' .. ARGV[1], ARGV[2], cjson.decode(ARGV[3])
if not is_current(feed, fence, 'poll') then return {-1} end
local now = now_ms()
local MOST_REVISIONS, DAY_MS = 10, 86400000 -- so many a day
local new, revised, known, remembered = 0, 0, 0, 0
local set_aside, outcomes = {}, {}
local seen, due = {}, {} -- what is entered by its time, told at once
defer_counts()

local function known_as(aliases)
  if #aliases == 0 then return nil end
  local keys = {}
  for i, alias in ipairs(aliases) do keys[i] = K .. 'seen:' .. alias end
  for i, id in ipairs(redis.call('MGET', unpack(keys))) do
    if id then return id, string.sub(aliases[i], 1, 1) end
  end
  return nil
end

-- Have an alias mean an article, unless it means one already, for as long as aliases are remembered from now on.
local function remember(alias, id)
  local key = K .. 'seen:' .. alias
  if not redis.call('SET', key, id, 'NX', 'PX', work.remember_ms) then redis.call('PEXPIRE', key, work.remember_ms) end
end

local function note(outcome) outcomes[outcome] = (outcomes[outcome] or 0) + 1 end

-- A revision under which a watch fired stays as it was, for replaying what it raised.
local function keep_decided(article)
  local kept = redis.call('HMGET', article, 'record', 'first_seen', 'analysis', 'decision')
  if not kept[4] or string.find(kept[4], '"fired":[]', 1, true) then return end
  local past = article .. ':was:' .. (redis.call('HGET', article, 'decided') or '0')
  redis.call('HSET', past, 'record', kept[1], 'first_seen', kept[2], 'analysis', kept[3], 'decision', kept[4])
  redis.call('PEXPIRE', past, work.keep_ms)
end

local function audit_set_aside(reason)
  if set_aside[reason] then audit('set_aside', {'reason', reason, 'feed', ARGV[1], 'articles', set_aside[reason]}) end
end

local function take(draft, record)
  local id, known_by = known_as(draft.aliases)
  if draft.address ~= '' then
    redis.call('SET', K .. 'address:' .. draft.address, (id or draft.id) .. ' ' .. (known_by or ''), 'NX', 'PX', work.keep_ms)
  end
  for _, alias in ipairs(draft.aliases) do remember(alias, id or draft.id) end
  local article = K .. 'article:' .. (id or draft.id)
  if not id then
    redis.call('HSET', article, 'record', record, 'first_seen', now, 'text:' .. draft.content, 1,
      'state', draft.remembered == '' and 'due' or draft.remembered)
    add_pair(seen, now, draft.id)
    if draft.remembered ~= '' then
      note(draft.remembered)
      redis.call('PEXPIRE', article, work.keep_ms)
      remembered = remembered + 1
      local why = set_aside[draft.remembered] or {}
      why[#why + 1] = {article = draft.id, sha256 = draft.sha256}
      set_aside[draft.remembered] = why
    else
      if draft.trace ~= '' then redis.call('HSET', article, 'trace', draft.trace) end
      add_pair(due, draft.wants_page and now + work.patience_ms or now, draft.id)
      if draft.wants_page then want_page(draft.id, now) end
      note('new')
      audit('accepted', {'article', draft.id, 'feed', ARGV[1], 'sha256', draft.sha256})
      new = new + 1
    end
  else
    local state = redis.call('HGET', article, 'state')
    -- what was only remembered, or forgotten since, is read when it comes back changed under a fresh date
    local is_back = draft.is_fresh and (state == 'baseline' or state == 'stale' or not state)
    local is_alive = state == 'done' or state == 'due' or is_back
    -- what was only given a new guid is linked, not read again
    if is_alive and draft.remembered ~= 'rekeyed' and redis.call('HSETNX', article, 'text:' .. draft.content, 1) == 1 then
      if redis.call('HINCRBY', article, 'revisions:' .. math.floor(now / DAY_MS), 1) <= MOST_REVISIONS then
        redis.call('HINCRBY', article, 'revision', 1)
        keep_decided(article)
        -- a new fence: whoever analyses the old text now may not complete the article
        redis.call('HSET', article, 'record', record, 'state', 'due', 'fence', next_fence())
        if redis.call('HSETNX', article, 'first_seen', now) == 1 then add_pair(seen, now, id) end
        -- what was understood of the old text says nothing of the new one
        redis.call('HDEL', article, 'claims', 'trace', 'analysis', 'decision')
        if draft.trace ~= '' then redis.call('HSET', article, 'trace', draft.trace) end
        redis.call('ZREM', K .. 'quarantine:enrich', id)
        redis.call('PERSIST', article)
        add_pair(due, draft.wants_page and now + work.patience_ms or now, id)
        if draft.wants_page then want_page(id, now) else drop_page(id) end
        note('revised')
        audit('accepted', {'article', id, 'feed', ARGV[1], 'sha256', draft.sha256,
          'revision', tonumber(redis.call('HGET', article, 'revision'))})
        revised = revised + 1
      else
        -- another day may read it
        redis.call('HDEL', article, 'text:' .. draft.content)
        note('revision_over_limit')
      end
    else
      note('known')
      known = known + 1
    end
  end
  redis.call('SADD', article .. ':feeds', ARGV[1])
  redis.call('PEXPIRE', article .. ':feeds', work.keep_ms)
end

-- an entry that fails costs no other: what is known by now, and not entered as due, would never be read
local failed
for place, draft in ipairs(work.drafts) do
  local is_done, why = pcall(take, draft, ARGV[RECORDS + place])
  if not is_done then failed = failed or why end
end

add_pairs('ZADD', K .. 'articles:due', due)
add_pairs('ZADD', K .. 'articles', seen)
if #work.drafts > 0 then redis.call('ZREMRANGEBYSCORE', K .. 'articles', '-inf', now - work.keep_ms) end
for outcome, articles in pairs(outcomes) do count('tocsin_articles_total{outcome="' .. outcome .. '"}', articles) end

-- many entries of a first poll are told in one line
for _, reason in ipairs({'baseline', 'stale', 'rekeyed'}) do
  audit_set_aside(reason)
end
if failed then
  make_counts()
  return failure(failed)
end

-- alerts on the feed itself: its silence is news too
for _, alert in ipairs(work.alerts) do
  raise_alert(alert, alert.article, now)
end

count_all(work.counts)
keep_record(feed, ARGV[4], ARGV[5], ARGV[6])
redis.call('HDEL', feed, 'claims', 'fence')
-- a hub from which a poll finds what it never sent delivers no more, until it sends again
if work.pushes == 0 and new + revised > 0 then redis.call('HDEL', feed, 'delivers_until') end
local next_at = now + work.next_ms
if work.pushes > 0 then
  next_at = tonumber(redis.call('HGET', feed, 'poll_due') or next_at)
  redis.call('LTRIM', K .. 'pushed:' .. ARGV[1], work.pushes, -1)
end
local waiting = redis.call('LLEN', K .. 'pushed:' .. ARGV[1])
if waiting > 0 then
  redis.call('HSET', feed, 'pushes', waiting, 'poll_due', next_at)
  next_at = now
else
  redis.call('HDEL', feed, 'pushes', 'poll_due')
end
if redis.call('ZSCORE', K .. 'feeds:due', ARGV[1]) then
  redis.call('ZADD', K .. 'feeds:due', next_at, ARGV[1])
end
redis.call('HSET', K .. 'progress', 'poll', now)
make_counts()
return {new, revised, known, remembered}
