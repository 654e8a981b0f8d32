-- Whether one more request fits (generic cell rate algorithm). ARGV: who, requests a minute, burst.
-- The key holds when the bucket is empty again (ms). Returns 0, or the ms to wait.
local key = K .. 'limit:' .. ARGV[1]
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local each = 60000 / tonumber(ARGV[2])
local empty_at = math.max(tonumber(redis.call('GET', key) or 0), now)
local wait = empty_at + each - now - each * tonumber(ARGV[3])
if wait > 0 then return math.ceil(wait) end
redis.call('SET', key, string.format('%.3f', empty_at + each), 'PX', math.max(math.ceil(empty_at + each - now), 1))
return 0
