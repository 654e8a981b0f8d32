-- Take back work that a turn could not do: due after a while. What was not in hand is as if it had not been claimed.
-- ARGV: due set, item prefix, 1 where the claim still counts, how long it waits (ms), then id and fence of each. What was
-- finished or claimed anew since stays as it is. Returns how many came back.
local due, prefix, is_counted, at = K .. ARGV[1], K .. ARGV[2], ARGV[3] == '1', now_ms() + ARGV[4]
local back = 0
for i = 5, #ARGV, 2 do
  local id, fence = ARGV[i], ARGV[i + 1]
  local item = prefix .. id
  if redis.call('HGET', item, 'fence') == fence and redis.call('ZSCORE', due, id) then
    redis.call('HDEL', item, 'fence')
    if not is_counted then redis.call('HINCRBY', item, 'claims', -1) end
    redis.call('ZADD', due, at, id)
    back = back + 1
  end
end
return back
