-- Keep why a claim on a group came to nothing. ARGV: group id, fence, reason. Returns 1, or 0 if it was outdated.
local group = K .. 'group:' .. ARGV[1]
if redis.call('HGET', group, 'fence') ~= ARGV[2] then return 0 end
redis.call('HSET', group, 'failure', ARGV[3])
return 1
