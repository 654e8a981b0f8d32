-- Reserve the next turn at hosts, one after the other. ARGV: pause ms, most to wait ms, hosts. Returns the ms to wait for
-- each; beyond the most, nothing is reserved.
local now, waits = now_ms(), {}
for i = 3, #ARGV do
  local key = K .. 'turn:' .. ARGV[i]
  local start = math.max(tonumber(redis.call('GET', key) or 0), now)
  if start - now <= tonumber(ARGV[2]) then
    local free_at = start + ARGV[1]
    redis.call('SET', key, string.format('%.0f', free_at), 'PX', math.ceil(free_at - now) + 1000)
  end
  waits[#waits + 1] = start - now
end
return waits
