-- Hand in polls that brought no entry: what is remembered of each feed whose claim still holds, and when it is due again.
-- ARGV: JSON list of metric series; then for each poll: feed id, fence, ms until the next poll, state, and what it counts
-- as a JSON list of places in the first list and amounts by turns. Returns 1 for each, 0 where the claim is outdated.
local names, now = cjson.decode(ARGV[1]), now_ms()
local sums, answers, is_any = {}, {}, false
for at = 2, #ARGV, 5 do
  local id, fence, next_ms, state, counts = unpack(ARGV, at, at + 4)
  local feed = K .. 'feed:' .. id
  if is_current(feed, fence, 'poll') then
    is_any = true
    local moved = cjson.decode(counts)
    for i = 1, #moved, 2 do sums[moved[i]] = (sums[moved[i]] or 0) + moved[i + 1] end
    local next_at = now + next_ms
    local waiting = redis.call('LLEN', K .. 'pushed:' .. id)
    if waiting > 0 then
      redis.call('HSET', feed, 'state', state, 'pushes', waiting, 'poll_due', next_at)
      redis.call('HDEL', feed, 'claims', 'fence')
      next_at = now
    else
      redis.call('HSET', feed, 'state', state)
      redis.call('HDEL', feed, 'claims', 'fence', 'pushes', 'poll_due')
    end
    redis.call('ZADD', K .. 'feeds:due', 'XX', next_at, id)
    answers[#answers + 1] = 1
  else
    answers[#answers + 1] = 0
  end
end
for place, sum in pairs(sums) do count(names[place], sum) end
if is_any then redis.call('HSET', K .. 'progress', 'poll', now) end
return answers
