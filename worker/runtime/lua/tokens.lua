-- Add, revoke or rotate a token. Times in ms. Returns 1, or 0 where the step does not apply.
-- add ID FIELD VALUE …; revoke ID NOW; rotate ID NOW UNTIL SUCCESSOR FIELD VALUE … (of the successor)
local action, id = ARGV[1], ARGV[2]
local token = K .. 'token:' .. id

local function keep(new, first)
  redis.call('HSET', K .. 'token:' .. new, unpack(ARGV, first))
  redis.call('ZADD', K .. 'tokens', redis.call('HGET', K .. 'token:' .. new, 'created_at'), new)
end

local function note(facts)
  local about = redis.call('HMGET', token, 'name', 'role', 'watch')
  audit('token', {'token', id, 'action', action, 'name', about[1], 'role', about[2], 'watch', about[3], unpack(facts)})
end

if action == 'add' then
  keep(id, 3)
  note({})
  return 1
end

local now = tonumber(ARGV[3])
if redis.call('EXISTS', token) == 0 or redis.call('HEXISTS', token, 'revoked_at') == 1 then return 0 end
if action == 'revoke' then
  redis.call('HSET', token, 'revoked_at', ARGV[3])
  note({})
  return 1
end

local ends = tonumber(redis.call('HGET', token, 'expires_at') or math.huge)
if ends <= now then return 0 end
if tonumber(ARGV[4]) < ends then redis.call('HSET', token, 'expires_at', ARGV[4]) end
keep(ARGV[5], 6)
note({'successor', ARGV[5]})
return 1
