-- Take one shelf of 0.1 over into today's form. ARGV: its key, 'kin:key:PERIOD:FIRST5' behind the prefix, a hash of the
-- other six digits to article numbers with commas. What has been taken over is gone, so that once is enough.
local name = K .. ARGV[1]
local at, head = string.match(ARGV[1], '^kin:key:(%d+):(%x+)$')
local ttl = redis.call('PTTL', name)
if not at or ttl == -2 then return 0 end
local rows = redis.call('HGETALL', name)
for i = 1, #rows, 2 do
  local number, bytes = place(head .. rows[i])
  local into = shelf(at, number)
  for article in string.gmatch(rows[i + 1], '%d+') do
    redis.call('APPEND', into, bytes .. struct.pack('>I4', tonumber(article)))
  end
  if ttl > 0 then redis.call('PEXPIRE', into, ttl) end
end
redis.call('DEL', name)
return #rows / 2
