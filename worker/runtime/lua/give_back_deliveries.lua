-- Take back what was just lent of one endpoint and will not be sent: as if it had not been claimed, and due now.
-- ARGV: endpoint, is probe, then id and fence of each. What was claimed anew or ended since stays as it is.
local name, is_probe, now = ARGV[1], ARGV[2] == '1', now_ms()
local endpoint = K .. 'endpoint:' .. name
for i = 3, #ARGV, 2 do
  local id, fence = ARGV[i], ARGV[i + 1]
  local item = K .. 'delivery:' .. id
  if redis.call('HGET', item, 'fence') == fence then
    redis.call('HDEL', item, 'fence')
    redis.call('HINCRBY', item, 'claims', -1)
    redis.call('ZADD', K .. 'outbox:' .. name, now, id)
    redis.call('ZREM', K .. 'in_flight:' .. name, id)
    if redis.call('HGET', K .. 'suspect', 'delivery') == id then redis.call('DEL', K .. 'suspect') end
    if is_probe and redis.call('HGET', endpoint, 'circuit') == 'half_open' then
      redis.call('HSET', endpoint, 'circuit', 'open', 'probe_at', now)
    end
  end
end
