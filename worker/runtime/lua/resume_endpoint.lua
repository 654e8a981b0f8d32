-- Close an endpoint's circuit. ARGV: endpoint. Returns 1, or 0 if it was closed.
local endpoint = K .. 'endpoint:' .. ARGV[1]
if (redis.call('HGET', endpoint, 'circuit') or 'closed') == 'closed' then return 0 end
redis.call('HSET', endpoint, 'circuit', 'closed', 'since', now_ms(), 'reason', '', 'window', '')
count('tocsin_circuit_changes_total{endpoint="' .. ARGV[1] .. '",to="closed"}')
audit('circuit', {'endpoint', ARGV[1], 'to', 'closed', 'reason', 'resumed by hand'})
return 1
