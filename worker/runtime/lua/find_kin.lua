-- Look up an article's kin. ARGV: JSON list of keys, window ms, most.
-- Returns {names joined, number, record, number, record, ...}; the names tell later whether the kin are still the same.
local now = now_ms()
local names = find_kin(cjson.decode(ARGV[1]), now, ARGV[2], tonumber(ARGV[3]))
local answer = {table.concat(names, ' ')}
for _, name in ipairs(names) do
  local at, number = string.match(name, '(%d+):(%d+)')
  answer[#answer + 1] = number
  answer[#answer + 1] = redis.call('HGET', book(at, number), number) or ''
end
return answer
