-- Lend due work. ARGV: stage, due set, item prefix, lease ms, limit, most claims, and the fields that the work is known by.
-- Returns {id, fence, claims, the fields' values...} for each; work that was claimed too often is quarantined instead.
-- What twice never came back is suspect and lent alone, so that the guilty takes no innocent into quarantine.
local stage, due, prefix = ARGV[1], K .. ARGV[2], K .. ARGV[3]
local most, now = tonumber(ARGV[6]), now_ms()
local SUSPECT = 2
local claimed, leases = {}, {}

-- A key that holds no hash would keep all others waiting. A feed begins anew when it is released.
local function set_broken_aside(item, id)
  move_broken(item)
  redis.call('HSET', item, 'failure', 'its key held no hash; what it held is kept for 30 days under that name with :broken')
  quarantine(stage, due, item, id, now, '0')
end

local fence -- one for all that are lent together: each is compared with that of its own last loan only
for _, id in ipairs(redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[5])) do
  local item = prefix .. id
  local kept = redis.pcall('HMGET', item, 'claims', 'failure', unpack(ARGV, 7))
  local before = tonumber(kept[1]) or 0
  if kept.err then
    set_broken_aside(item, id)
  elseif before >= most then
    quarantine(stage, due, item, id, now, ARGV[6])
  elseif before < SUSPECT or #claimed == 0 then
    fence = fence or next_fence()
    if before == 0 and kept[2] then redis.call('HDEL', item, 'failure') end
    redis.call('HSET', item, 'fence', fence, 'claims', before + 1)
    add_pair(leases, now + ARGV[4], id)
    claimed[#claimed + 1] = {id, fence, before + 1, unpack(kept, 3)}
    if before >= SUSPECT then break end
  end
end
add_pairs('ZADD', due, leases)
if stage == 'enrich' and #claimed > 0 then add('HINCRBY', K .. 'progress', 'taken_up', #claimed) end
return claimed
