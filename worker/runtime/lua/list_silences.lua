-- Silences, the one that ends last first, as {id, record, ends at (ms), alerts suppressed}. ARGV: 1 for all, 0 for those
-- that have not ended.
local rows = {}
local ids = redis.call('ZRANGE', K .. 'silences', '+inf',
  ARGV[1] == '1' and '-inf' or '(' .. string.format('%.0f', now_ms()), 'BYSCORE', 'REV', 'WITHSCORES')
for i = 1, #ids, 2 do
  local found = redis.call('HMGET', K .. 'silence:' .. ids[i], 'record', 'suppressed')
  if found[1] then rows[#rows + 1] = {ids[i], found[1], ids[i + 1], found[2] or '0'} end
end
return rows
