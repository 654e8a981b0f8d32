-- Lend due pages. ARGV: lease ms, limit. Returns {article id, fence, tries, claims, wanted at, article fields...} for each.
-- Where the article is analysed already the page is dropped: it came too late.
local now, claimed = now_ms(), {}
for _, id in ipairs(redis.call('ZRANGE', K .. 'pages:due', '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])) do
  local page, article = K .. 'page:' .. id, K .. 'article:' .. id
  if awaits_page(article) then
    local fence = next_fence()
    redis.call('HSET', page, 'fence', fence)
    redis.call('ZADD', K .. 'pages:due', now + ARGV[1], id)
    local claims = redis.call('HINCRBY', page, 'claims', 1)
    local tries = tonumber(redis.call('HGET', page, 'tries') or 0) + 1
    local wanted_at = redis.call('HGET', page, 'wanted_at') or now
    claimed[#claimed + 1] = {id, fence, tries, claims, wanted_at, redis.call('HGETALL', article)}
  else
    drop_page(id)
    count('tocsin_pages_total{outcome="late"}')
  end
end
return claimed
