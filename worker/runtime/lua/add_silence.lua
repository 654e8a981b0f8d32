-- Keep a silence. ARGV: id, record, ends at (ms), keep ms. Those that ended so long ago are forgotten.
for _, id in ipairs(redis.call('ZRANGE', K .. 'silences', '-inf', now_ms() - ARGV[4], 'BYSCORE')) do
  redis.call('ZREM', K .. 'silences', id)
  redis.call('DEL', K .. 'silence:' .. id)
end
redis.call('HSET', K .. 'silence:' .. ARGV[1], 'record', ARGV[2])
redis.call('ZADD', K .. 'silences', ARGV[3], ARGV[1])
local silence = cjson.decode(ARGV[2])
audit('silenced', {'silence', ARGV[1], 'matchers', silence.matchers, 'starts_at', silence.starts_at,
  'ends_at', silence.ends_at, 'by', silence.author, 'reason', silence.comment})
return 1
