-- Shared by every script: key names, the server's clock, metric counts.
local K = '{tocsin}:'

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function count(series, by)
  redis.call('HINCRBYFLOAT', K .. 'metrics', series, by or 1)
end

local function count_all(counts)
  for _, pair in ipairs(counts) do count(pair[1], pair[2]) end
end

-- A number above all that the name gave before, in microseconds since 1970 as far as they go. A mere counter would be
-- set back by a server that lost its newest writes, and would give a number that is still out there a second time.
local function next_number(name)
  local t = redis.call('TIME')
  local last = tonumber(redis.call('GET', K .. name) or 0)
  local number = string.format('%.0f', math.max(last + 1, t[1] * 1000000 + t[2]))
  redis.call('SET', K .. name, number)
  return number
end

-- The number of a new claim.
local function next_fence()
  return next_number('fence')
end

-- Enter something in a list by time, whose entries are dropped after `keep_ms`.
local function file_under(list, id, now, keep_ms)
  redis.call('ZADD', K .. list, now, id)
  redis.call('ZREMRANGEBYSCORE', K .. list, '-inf', now - keep_ms)
end

-- Whether the claim that is handed in is the newest one; an older one may change nothing.
local function is_current(item, fence, stage)
  if redis.call('HGET', item, 'fence') == fence then return true end
  count('tocsin_stale_completions_total{stage="' .. stage .. '"}')
  return false
end

-- Set work aside that was claimed too often; why is the last failure that was noted, if whoever failed lived to note one.
local function quarantine(stage, due, item, id, now, claims)
  local why = redis.call('HGET', item, 'failure') or 'whoever worked on it died or ran out of time'
  redis.call('HSET', item, 'quarantined_at', now, 'quarantined_for', 'claimed ' .. claims .. ' times: ' .. why)
  redis.call('ZREM', due, id)
  redis.call('ZADD', K .. 'quarantine:' .. stage, now, id)
  count('tocsin_quarantined_total{stage="' .. stage .. '"}')
end
