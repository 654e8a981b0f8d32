-- Store a document that a hub pushed, and make its feed due. ARGV: feed id, document, end of the lease (ms), most that
-- may wait, keep ms. Returns 1; 0 where too many wait; -1 where the feed is not polled (paused, quarantined, removed).
-- A feed that is lent at this moment is made due by whoever hands it in.
local id, feed, pushed = ARGV[1], K .. 'feed:' .. ARGV[1], K .. 'pushed:' .. ARGV[1]
local due = redis.call('ZSCORE', K .. 'feeds:due', id)
if not due then
  count('tocsin_websub_total{event="not_polled"}')
  return -1
end
if redis.call('LLEN', pushed) >= tonumber(ARGV[4]) then
  count('tocsin_websub_total{event="too_many"}')
  return 0
end
local waiting = redis.call('RPUSH', pushed, ARGV[2])
redis.call('PEXPIRE', pushed, ARGV[5])
redis.call('HSET', feed, 'pushes', waiting, 'delivers_until', ARGV[3])
if redis.call('HEXISTS', feed, 'fence') == 0 then
  redis.call('HSETNX', feed, 'poll_due', due)
  redis.call('ZADD', K .. 'feeds:due', math.min(tonumber(due), now_ms()), id)
end
count('tocsin_websub_total{event="pushed"}')
return 1
