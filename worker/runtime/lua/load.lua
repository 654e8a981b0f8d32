-- What waits. Returns the articles that are due and lent to nobody, how many were ever lent, and the ms until the next feed
-- is due: negative where one is, false where there is none.
local now = now_ms()
local first = redis.call('ZRANGE', K .. 'feeds:due', 0, 0, 'WITHSCORES')
return {
  redis.call('ZCOUNT', K .. 'articles:due', '-inf', now),
  tonumber(redis.call('HGET', K .. 'progress', 'taken_up') or 0) or 0,
  first[2] and math.floor(tonumber(first[2]) - now) or false,
}
