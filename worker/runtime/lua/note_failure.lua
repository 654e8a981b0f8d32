-- Keep why a piece of work failed, for the quarantine it may come to. ARGV: item key, fence, words.
-- An outdated claim may note nothing. Returns 1 or 0.
local item = K .. ARGV[1]
if redis.pcall('HGET', item, 'fence') ~= ARGV[2] then return 0 end
redis.call('HSET', item, 'failure', ARGV[3])
return 1
