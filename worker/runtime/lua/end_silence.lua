-- End a silence now. ARGV: id, by. Returns 1, or 0 where there is none or it has ended.
local now = now_ms()
local ends = redis.call('ZSCORE', K .. 'silences', ARGV[1])
if not ends or tonumber(ends) <= now then return 0 end
redis.call('ZADD', K .. 'silences', now, ARGV[1])
audit('unsilenced', {'silence', ARGV[1], 'by', ARGV[2]})
return 1
