-- Hand in polls that brought no entry: what changed of each feed whose claim still holds, and when it is due again.
-- ARGV: JSON list of metric series; then for each poll: feed id, fence, ms until the next poll, state, marks, seen_at, and
-- what it counts as a JSON list of places in the first list and amounts by turns. Returns 1 for each, 0 where the claim is
-- outdated, and its error where a key of the feed holds what it should not: that costs no other poll.
local names, now = cjson.decode(ARGV[1]), now_ms()
local sums, answers, is_any = {}, {}, false

local function hand_in(id, fence, next_ms, state, marks, seen_at)
  local feed = K .. 'feed:' .. id
  local held = redis.pcall('HGET', feed, 'fence')
  if type(held) == 'table' then return held.err end
  if held ~= fence then
    count_stale('poll')
    return 0
  end
  local waiting = redis.pcall('LLEN', K .. 'pushed:' .. id)
  if type(waiting) == 'table' then return waiting.err end
  local next_at = now + next_ms
  keep_record(feed, state, marks, seen_at)
  if waiting > 0 then
    redis.call('HSET', feed, 'pushes', waiting, 'poll_due', next_at)
    redis.call('HDEL', feed, 'claims', 'fence')
    next_at = now
  else
    redis.call('HDEL', feed, 'claims', 'fence', 'pushes', 'poll_due')
  end
  redis.call('ZADD', K .. 'feeds:due', 'XX', next_at, id)
  return 1
end

for at = 2, #ARGV, 7 do
  local answer = hand_in(unpack(ARGV, at, at + 5))
  if answer == 1 then
    is_any = true
    local moved = cjson.decode(ARGV[at + 6])
    for i = 1, #moved, 2 do sums[moved[i]] = (sums[moved[i]] or 0) + moved[i + 1] end
  end
  answers[#answers + 1] = answer
end
for place, sum in pairs(sums) do count(names[place], sum) end
if is_any then redis.call('HSET', K .. 'progress', 'poll', now) end
return answers
