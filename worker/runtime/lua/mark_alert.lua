-- Acknowledge or judge an alert. ARGV: alert id, mark: acknowledged | true | false | open, reason, by.
-- `true` and `false` acknowledge as well; a later verdict replaces the earlier one with its reason and its judge, also
-- where it names none; `acknowledged` leaves those of a verdict; `open` takes everything back.
-- Returns 1, or 0 where there is no such alert.
local key, mark, now = K .. 'alert:' .. ARGV[1], ARGV[2], now_ms()
local watch = redis.call('HGET', key, 'watch')
if not watch then return 0 end
local before = redis.call('HGET', key, 'verdict')

local function judge(verdict)
  if before == verdict then return end
  if before then redis.call('HINCRBY', K .. 'verdicts', before .. ':' .. watch, -1) end
  if verdict then
    redis.call('HINCRBY', K .. 'verdicts', verdict .. ':' .. watch, 1)
    redis.call('HSET', key, 'verdict', verdict, 'judged_at', now)
  else
    redis.call('HDEL', key, 'verdict', 'judged_at')
  end
end

if mark == 'open' then
  judge(false)
  redis.call('HDEL', key, 'acknowledged_at')
else
  redis.call('HSETNX', key, 'acknowledged_at', now)
  if mark ~= 'acknowledged' then judge(mark) end
end
if mark == 'true' or mark == 'false' then
  redis.call('HSET', key, 'marked_for', ARGV[3], 'marked_by', ARGV[4])
elseif mark == 'open' then
  redis.call('HDEL', key, 'marked_for', 'marked_by')
elseif not before then
  if ARGV[3] ~= '' then redis.call('HSET', key, 'marked_for', ARGV[3]) end
  if ARGV[4] ~= '' then redis.call('HSET', key, 'marked_by', ARGV[4]) end
end
redis.call('ZADD', K .. 'marks:log', next_number('alerts:last'), ARGV[1])
audit('marked', {'alert', ARGV[1], 'watch', watch, 'mark', mark, 'reason', ARGV[3], 'by', ARGV[4]})
return 1
