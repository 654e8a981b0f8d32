-- Give quarantined work another five claims. ARGV: stage, due set ('' for deliver: each goes to its endpoint's outbox),
-- item prefix, then ids (none: all). Returns the ids that were released.
local stage, prefix = ARGV[1], K .. ARGV[3]
local now = now_ms()
local held = K .. 'quarantine:' .. stage
local ids = {unpack(ARGV, 4)}
if #ids == 0 then ids = redis.call('ZRANGE', held, 0, -1) end
local released = {}
for _, id in ipairs(ids) do
  if redis.call('ZREM', held, id) == 1 then
    local item = prefix .. id
    local due = ARGV[2] ~= '' and ARGV[2] or 'outbox:' .. redis.call('HGET', item, 'endpoint')
    redis.call('HDEL', item, 'claims', 'failure', 'quarantined_at', 'quarantined_for')
    redis.call('ZADD', K .. due, now, id)
    released[#released + 1] = id
  end
end
if #released > 0 then audit('released', {'stage', stage, 'ids', released}) end
return released
