-- Reserve the next turn at a host. ARGV: host, pause ms, most to wait ms. Returns the ms to wait; beyond the most,
-- nothing is reserved.
local key, now = K .. 'turn:' .. ARGV[1], now_ms()
local start = math.max(tonumber(redis.call('GET', key) or 0), now)
if start - now <= tonumber(ARGV[3]) then
  local free_at = start + ARGV[2]
  redis.call('SET', key, string.format('%.0f', free_at), 'PX', math.ceil(free_at - now) + 1000)
end
return start - now
