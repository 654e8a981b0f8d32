-- Pause, resume or hurry a feed. ARGV: feed id, action, by. Returns 1, or 0 where the action does not apply.
-- pause: out of the schedule until resumed; resume: back, also out of quarantine, due at once;
-- hurry: due at once, unless paused.
local id, action, now = ARGV[1], ARGV[2], now_ms()
local due, paused, quarantine = K .. 'feeds:due', K .. 'feeds:paused', K .. 'quarantine:poll'
if action == 'pause' then
  redis.call('SADD', paused, id)
  redis.call('ZREM', due, id)
  redis.call('ZREM', quarantine, id)
  audit('steered', {'feed', id, 'action', action, 'by', ARGV[3]})
  return 1
end
if action == 'hurry' and redis.call('SISMEMBER', paused, id) == 1 then return 0 end
redis.call('SREM', paused, id)
redis.call('ZREM', quarantine, id)
redis.call('HDEL', K .. 'feed:' .. id, 'claims', 'failure', 'quarantined_at', 'quarantined_for')
redis.call('ZADD', due, now, id)
audit('steered', {'feed', id, 'action', action, 'by', ARGV[3]})
return 1
