-- Remove old alerts with their deliveries. ARGV: raised before (ms), how many of the oldest to pass over, how many to look
-- at, 1 to remove (0: only count), 1 to take dead letters too.
-- An alert that waits in a group or with a delivery that is still to be sent stays, and one with a dead letter unless they are taken too.
-- Returns {looked at, alerts, deliveries, kept for deliveries that wait, kept for dead letters}.
local before, is_real, takes_dead = ARGV[1], ARGV[4] == '1', ARGV[5] == '1'
local ids = redis.call('ZRANGE', K .. 'alerts', '-inf', '(' .. before, 'BYSCORE', 'LIMIT', ARGV[2], ARGV[3])
local alerts, gone, waiting, dead = 0, 0, 0, 0

-- 'due', 'dead' or 'over'
local function state_of(id)
  local delivery = K .. 'delivery:' .. id
  local state = redis.call('HGET', delivery, 'state')
  if state == 'due' and redis.call('ZSCORE', K .. 'quarantine:deliver', id) then return 'dead' end
  return (state == 'due' or state == 'dead') and state or 'over'
end

for _, id in ipairs(ids) do
  local alert = K .. 'alert:' .. id
  local deliveries = redis.call('LRANGE', alert .. ':deliveries', 0, -1)
  local has = {due = redis.call('EXISTS', alert .. ':groups') == 1}
  for _, delivery in ipairs(deliveries) do has[state_of(delivery)] = true end
  if has.due then
    waiting = waiting + 1
  elseif has.dead and not takes_dead then
    dead = dead + 1
  else
    alerts, gone = alerts + 1, gone + #deliveries
    if is_real then
      for _, delivery in ipairs(deliveries) do
        local name = redis.call('HGET', K .. 'delivery:' .. delivery, 'endpoint')
        if name then redis.call('ZREM', K .. 'dead:' .. name, delivery) end
        redis.call('ZREM', K .. 'quarantine:deliver', delivery)
        redis.call('DEL', K .. 'delivery:' .. delivery, K .. 'delivery:' .. delivery .. ':attempts')
      end
      redis.call('DEL', alert, alert .. ':deliveries')
      redis.call('ZREM', K .. 'alerts', id)
      redis.call('ZREM', K .. 'alerts:log', id)
      redis.call('ZREM', K .. 'marks:log', id)
    end
  end
end
if is_real and alerts > 0 then
  audit('trimmed', {'alerts', alerts, 'deliveries', gone, 'before_ms', tonumber(before)})
end
return {#ids, alerts, gone, waiting, dead}
