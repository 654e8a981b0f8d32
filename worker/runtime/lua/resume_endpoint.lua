-- Close an endpoint's circuit, and wait no longer if it asked for that. ARGV: endpoint. Returns 1, or 0 if nothing held it.
local endpoint = K .. 'endpoint:' .. ARGV[1]
local was_held = tonumber(redis.call('HGET', endpoint, 'held_until') or 0) > now_ms()
redis.call('HDEL', endpoint, 'held_until')
if (redis.call('HGET', endpoint, 'circuit') or 'closed') == 'closed' then return was_held and 1 or 0 end
redis.call('HSET', endpoint, 'circuit', 'closed', 'since', now_ms(), 'reason', '', 'window', '')
count('tocsin_circuit_changes_total{endpoint="' .. ARGV[1] .. '",to="closed"}')
audit('circuit', {'endpoint', ARGV[1], 'to', 'closed', 'reason', 'resumed by hand'})
return 1
