-- Note that the server is another run than the one the record was last written under: it may have lost its newest writes.
-- ARGV: its run id. Returns 1 where it was another.
local before = redis.call('HGET', RECORD_HEAD, 'epoch')
if before == ARGV[1] then return 0 end
audit('epoch', {'run', ARGV[1], 'before', before})
redis.call('HSET', RECORD_HEAD, 'epoch', ARGV[1])
return 1
