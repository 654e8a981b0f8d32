-- Seal a range of the record with its SHA-256. ARGV: from, to, sha256, from which seal it goes on ('' for the first).
-- Returns the seal's number, or 0 where another process was first.
if (redis.call('HGET', RECORD_HEAD, 'seal') or redis.call('HGET', RECORD_HEAD, 'anchor_seal') or '') ~= ARGV[4] then return 0 end
audit('seal', {'from', tonumber(ARGV[1]), 'to', tonumber(ARGV[2]), 'sha256', ARGV[3]})
redis.call('HSET', RECORD_HEAD, 'seal', ARGV[3], 'sealed_to', ARGV[2], 'seal_seq', record_head.seq)
return record_head.seq
