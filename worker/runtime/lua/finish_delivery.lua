-- Record an attempt and what follows for its delivery and its endpoint's circuit.
-- ARGV: delivery id, fence, JSON {outcome, number, status, wait_ms, asked_ms, hold_ms (0: not), is_counted, is_probe,
-- is_success, reason, attempt, counts, keep_ms, notices, breaker = {open_after, window, probe_ms}}.
-- outcome: delivered | retried | dead | gone. Returns 1, or 0 if the claim was outdated.
local id, fence, work = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local delivery = K .. 'delivery:' .. id
if not is_current(delivery, fence, 'deliver') then return 0 end
defer_counts()
local now = now_ms()
local name = redis.call('HGET', delivery, 'endpoint')
local outbox, endpoint = K .. 'outbox:' .. name, K .. 'endpoint:' .. name

redis.call('ZREM', K .. 'in_flight:' .. name, id)
redis.call('RPUSH', delivery .. ':attempts', work.attempt)
redis.call('LTRIM', delivery .. ':attempts', -100, -1)
redis.call('HDEL', delivery, 'claims', 'fence')
if redis.call('HGET', K .. 'suspect', 'delivery') == id then redis.call('DEL', K .. 'suspect') end
count_all(work.counts, redis.call('HGET', K .. 'alert:' .. redis.call('HGET', delivery, 'alert'), 'article'))
if work.is_counted then redis.call('HINCRBY', delivery, 'attempts', 1) end
audit('attempted', {'delivery', id, 'alert', redis.call('HGET', delivery, 'alert'), 'endpoint', name,
  'number', work.number, 'status', work.status, 'outcome', work.outcome, 'reason', work.reason})

if work.outcome == 'retried' then
  redis.call('ZADD', outbox, now + work.wait_ms, id)
elseif work.outcome == 'gone' then
  redis.call('ZADD', outbox, now, id)
else
  redis.call('ZREM', outbox, id)
  redis.call('HSET', delivery, 'state', work.outcome, 'ended_at', now)
  if work.outcome == 'dead' then
    redis.call('ZADD', K .. 'dead:' .. name, now, id)
  else
    redis.call('PEXPIRE', delivery, work.keep_ms)
    redis.call('PEXPIRE', delivery .. ':attempts', work.keep_ms)
  end
end

local function turn(circuit, reason)
  redis.call('HSET', endpoint, 'circuit', circuit, 'since', now, 'reason', reason, 'window', '')
  count('tocsin_circuit_changes_total{endpoint="' .. name .. '",to="' .. circuit .. '"}')
  audit('circuit', {'endpoint', name, 'to', circuit, 'reason', reason})
end

local function open(reason)
  redis.call('HSET', endpoint, 'probe_at', now + math.max(work.breaker.probe_ms, work.asked_ms))
  turn('open', reason)
end

local function should_open(window)
  local is_streak = not string.find(string.sub(window, -work.breaker.open_after), '1', 1, true)
  local _, failures = string.gsub(window, '0', '')
  return (#window >= work.breaker.open_after and is_streak)
    or (#window == work.breaker.window and failures * 2 > work.breaker.window)
end

-- Nothing sleeps out its schedule once the receiver is back.
local function wake()
  for _, sleeping in ipairs(redis.call('ZRANGE', outbox, '(' .. string.format('%.0f', now), '+inf', 'BYSCORE', 'LIMIT', 0, 10000)) do
    if not redis.call('ZSCORE', K .. 'in_flight:' .. name, sleeping) then redis.call('ZADD', outbox, now, sleeping) end
  end
end

if work.hold_ms > 0 then redis.call('HSET', endpoint, 'held_until', now + work.hold_ms) end

local circuit = redis.call('HGET', endpoint, 'circuit') or 'closed'
redis.call('HSET', endpoint, work.is_success and 'succeeded_at' or 'failed_at', now)
if work.outcome == 'gone' then
  if circuit ~= 'paused' then
    turn('paused', work.reason)
    for _, notice in ipairs(work.notices) do queue(notice, now, now) end
  end
elseif circuit == 'half_open' and work.is_probe then
  if work.is_success then
    turn('closed', '')
    wake()
  else
    open(work.reason)
  end
elseif circuit == 'closed' then
  local window = redis.call('HGET', endpoint, 'window') or ''
  window = string.sub(window .. (work.is_success and '1' or '0'), -work.breaker.window)
  redis.call('HSET', endpoint, 'window', window)
  if not work.is_success and should_open(window) then open(work.reason) end
end
redis.call('HSET', K .. 'progress', 'deliver', now)
make_counts()
return 1
