-- Count the short passages of articles per feed and day, each article once, and tell which repeat.
-- ARGV: JSON list of {article, feed, passages = {hash...}}, articles that make a passage boilerplate.
-- Returns for each article the hashes that so many articles of its feed had today or yesterday.
local now = now_ms()
local DAY_MS = 86400000
local day = math.floor(now / DAY_MS)
local answer = {}
for i, row in ipairs(cjson.decode(ARGV[1])) do
  local today = K .. 'passages:' .. row.feed .. ':' .. day
  local yesterday = K .. 'passages:' .. row.feed .. ':' .. (day - 1)
  local is_first = redis.call('HSETNX', K .. 'article:' .. row.article, 'passages_counted', 1) == 1
  local repeated, counted = {}, {}
  local before, old = read_fields(today, row.passages), read_fields(yesterday, row.passages)
  for place, hash in ipairs(row.passages) do
    local times = (tonumber(before[place]) or 0) + (is_first and 1 or 0)
    if is_first then add_pair(counted, hash, times) end
    if times + (tonumber(old[place]) or 0) >= tonumber(ARGV[2]) then repeated[#repeated + 1] = hash end
  end
  add_pairs('HSET', today, counted)
  if #counted > 0 then redis.call('PEXPIRE', today, 2 * DAY_MS) end
  answer[i] = repeated
end
return answer
