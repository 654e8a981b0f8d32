-- Hand in polls that brought no entry: what changed of each feed whose claim still holds, and when it is due again.
-- ARGV: JSON {names, kinds, polls}. Of a poll: feed id, fence, ms until the next poll, state, marks, seen_at, a place in
-- `kinds`, and amounts; its kind says by places in `names` which metric series they are of.
-- Returns 1 for each, 0 where the claim is outdated, and its error where a key of the feed holds what it should not: that
-- costs no other poll.
local work, now = cjson.decode(ARGV[1]), now_ms()
local names, kinds = work.names, work.kinds
local answers, next_at = {}, {}
local is_any = false
local AMOUNTS = 7 -- so many stand before them
defer_counts()

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
  local due = now + next_ms
  keep_record(feed, state, marks, seen_at)
  if waiting > 0 then
    redis.call('HSET', feed, 'pushes', waiting, 'poll_due', due)
    redis.call('HDEL', feed, 'claims', 'fence')
    due = now
  else
    redis.call('HDEL', feed, 'claims', 'fence', 'pushes', 'poll_due')
  end
  add_pair(next_at, due, id)
  return 1
end

for place, poll in ipairs(work.polls) do
  local answer = hand_in(unpack(poll, 1, AMOUNTS - 1))
  if answer == 1 then
    is_any = true
    for i, name in ipairs(kinds[poll[AMOUNTS]]) do count(names[name], poll[AMOUNTS + i]) end
  end
  answers[place] = answer
end
add_pairs('ZADD', K .. 'feeds:due', next_at, 'XX')
if is_any then redis.call('HSET', K .. 'progress', 'poll', now) end
make_counts()
return answers
