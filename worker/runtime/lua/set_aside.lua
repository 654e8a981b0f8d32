-- Set work aside at once that nobody can read. ARGV: stage, due set, item prefix, id, fence, words. Returns 1 or 0.
-- A feed begins anew when it is released.
local item = K .. ARGV[3] .. ARGV[4]
local kept = redis.call('HMGET', item, 'fence', 'claims')
if kept[1] ~= ARGV[5] then return 0 end
if ARGV[1] == 'poll' then move_broken(item) end
redis.call('HSET', item, 'failure', ARGV[6])
quarantine(ARGV[1], K .. ARGV[2], item, ARGV[4], now_ms(), kept[2])
return 1
