-- Note what became of a process's last load of its configuration. ARGV: process, record, adopted or refused, hash,
-- reason. The same outcome again, as each process of a pool brings it, is told once.
local key = K .. 'configurations'
if redis.call('HGET', key, ARGV[1]) == ARGV[2] then return 0 end
redis.call('HSET', key, ARGV[1], ARGV[2])
audit('loaded', {'process', ARGV[1], 'outcome', ARGV[3], 'config', ARGV[4], 'reason', ARGV[5]})
return 1
