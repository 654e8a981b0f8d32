-- Store what became of reading a page. ARGV: article id, fence, JSON {outcome, record, sha256, wait_ms, counts, feed, reason,
-- trend_keep_ms}.
-- With wait_ms the page is due again then; else the article gets its record and is due now. Returns 1, or 0 if stale.
local id, fence, work = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local page, article = K .. 'page:' .. id, K .. 'article:' .. id
if not is_current(page, fence, 'read') then return 0 end
local now = now_ms()
local outcome = work.outcome
if not awaits_page(article) then
  drop_page(id)
  outcome = 'late'
elseif work.wait_ms > 0 then
  redis.call('HDEL', page, 'fence', 'claims')
  redis.call('HINCRBY', page, 'tries', 1)
  redis.call('ZADD', K .. 'pages:due', now + work.wait_ms, id)
else
  drop_page(id)
  redis.call('HSET', article, 'record', work.record)
  audit('read', {'article', id, 'outcome', work.outcome, 'sha256', work.sha256})
  redis.call('ZADD', K .. 'articles:due', 'XX', now, id)
end
if outcome ~= 'retried' then
  local hour, seen = K .. 'trend:' .. math.floor(now / 3600000), K .. 'feed_pages:' .. work.feed
  add('HINCRBY', hour, 'page:' .. work.feed .. ':' .. outcome, 1)
  redis.call('PEXPIRE', hour, work.trend_keep_ms)
  local why = outcome == 'late' and 'the page came when the article had been analysed' or work.reason
  redis.call('HSET', seen, outcome, why, 'at:' .. outcome, now)
  redis.call('PEXPIRE', seen, work.trend_keep_ms)
end
count('tocsin_pages_total{outcome="' .. outcome .. '"}')
count_all(work.counts)
redis.call('HSET', K .. 'progress', 'read', now)
return outcome == 'late' and 0 or 1
