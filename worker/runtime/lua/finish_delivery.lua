-- Record an attempt and what follows. ARGV: delivery id, fence, JSON {outcome, wait_ms, attempt, counts, keep_ms}.
-- outcome: delivered | retried | dead. Returns 1, or 0 if the claim was outdated.
local id, fence, work = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local delivery = K .. 'delivery:' .. id
if not is_current(delivery, fence, 'deliver') then return 0 end
local now = now_ms()
local endpoint = redis.call('HGET', delivery, 'endpoint')
local outbox = K .. 'outbox:' .. endpoint

redis.call('HINCRBY', delivery, 'attempts', 1)
redis.call('RPUSH', delivery .. ':attempts', work.attempt)
redis.call('HDEL', delivery, 'claims')
count_all(work.counts)

if work.outcome == 'retried' then
  redis.call('ZADD', outbox, now + work.wait_ms, id)
else
  redis.call('ZREM', outbox, id)
  redis.call('HSET', delivery, 'state', work.outcome, 'ended_at', now)
  if work.outcome == 'dead' then
    redis.call('ZADD', K .. 'dead:' .. endpoint, now, id)
  else
    redis.call('PEXPIRE', delivery, work.keep_ms)
    redis.call('PEXPIRE', delivery .. ':attempts', work.keep_ms)
  end
end
redis.call('HSET', K .. 'progress', 'deliver', now)
return 1
