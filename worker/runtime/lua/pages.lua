-- Which articles wait for their page. Shared.
-- An article that waits stands in articles:due as well, at the moment when the patience for its page ends.

-- Whether the article still waits: nobody analyses it, and nobody has.
local function awaits_page(article)
  return redis.call('HGET', article, 'state') == 'due' and redis.call('HEXISTS', article, 'claims') == 0
end

-- Forget that a page was wanted; a claim of it that is out there is stale from now on.
local function drop_page(id)
  redis.call('ZREM', K .. 'pages:due', id)
  redis.call('DEL', K .. 'page:' .. id)
end

local function want_page(id, now)
  drop_page(id)
  redis.call('HSET', K .. 'page:' .. id, 'wanted_at', now)
  redis.call('PEXPIRE', K .. 'page:' .. id, 86400000)
  redis.call('ZADD', K .. 'pages:due', now, id)
end
