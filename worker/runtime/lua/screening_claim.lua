-- Lend the screening to one worker. ARGV: lease in ms, the server's run id: positions of a scan mean nothing to another.
-- Returns the state as a flat list with its new fence, or an empty list where there is nothing to do.
local key, now = K .. 'screening', now_ms()
local phase = redis.call('HGET', key, 'phase') or ''
if phase == '' or tonumber(redis.call('HGET', key, 'leased_until') or 0) > now then return {} end
if phase == 'scan' and redis.call('HGET', key, 'epoch') ~= ARGV[2] then
  redis.call('HSET', key, 'epoch', ARGV[2], 'cursor', 0, 'looked', 0)
end
redis.call('HSET', key, 'fence', next_fence(), 'leased_until', now + ARGV[1])
return redis.call('HGETALL', key)
