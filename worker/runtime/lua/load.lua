-- What waits. Returns the articles that are due and lent to nobody, how many ever came, and the ms until the next feed is
-- due: negative where one is, false where there is none.
local now = now_ms()
local function counted(outcome)
  return tonumber(redis.call('HGET', K .. 'metrics', 'tocsin_articles_total{outcome="' .. outcome .. '"}') or 0) or 0
end
local first = redis.call('ZRANGE', K .. 'feeds:due', 0, 0, 'WITHSCORES')
return {
  redis.call('ZCOUNT', K .. 'articles:due', '-inf', now),
  counted('new') + counted('revised'),
  first[2] and math.floor(tonumber(first[2]) - now) or false,
}
