-- Raise the alert of a newly listed party and go on to the next. ARGV: fence, next position, JSON alert, article id.
-- Returns 1 where it was new, 0 where it was known, -1 where another worker has the screening now.
local key, now = K .. 'screening', now_ms()
if redis.call('HGET', key, 'fence') ~= ARGV[1] then return -1 end
local is_new = raise_alert(cjson.decode(ARGV[3]), ARGV[4], now)
redis.call('HSET', key, 'cursor', ARGV[2]) -- behind it: what fails is raised again
if not is_new then return 0 end
redis.call('HINCRBY', key, 'raised', 1)
count('tocsin_newly_listed_alerts_total')
return 1
