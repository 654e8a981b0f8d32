-- Drop the record's lines up to a sealed one and keep the anchor on which the rest stands.
-- ARGV: id of the last line that goes, its number, its link, the seal that ends with it. Returns how many went, -1 where
-- the record is not as it was when this was asked for.
local last = redis.call('XRANGE', RECORD, ARGV[1], ARGV[1])[1]
if not last or last[2][4] ~= ARGV[3] then return -1 end
local before = redis.call('XLEN', RECORD)
redis.call('XTRIM', RECORD, 'MINID', ARGV[1])
redis.call('XDEL', RECORD, ARGV[1])
redis.call('HSET', RECORD_HEAD, 'anchor_seq', ARGV[2], 'anchor_link', ARGV[3], 'anchor_seal', ARGV[4])
local dropped = before - redis.call('XLEN', RECORD)
audit('pruned', {'to', tonumber(ARGV[2]), 'lines', dropped, 'link', ARGV[3], 'sha256', ARGV[4]})
return dropped
