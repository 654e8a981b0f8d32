-- Shared by every script: key names, the server's clock, metric counts.
local K = '{tocsin}:'

-- The server's clock stands still while a script runs.
local started_ms

local function now_ms()
  if not started_ms then
    local t = redis.call('TIME')
    started_ms = t[1] * 1000 + math.floor(t[2] / 1000)
  end
  return started_ms
end

local KEEP_BROKEN_MS = 2592000000 -- 30 days

-- Put a key that nobody can use out of the way: it is kept under its name with :broken.
local function move_broken(key)
  redis.call('RENAME', key, key .. ':broken')
  redis.call('PEXPIRE', key .. ':broken', KEEP_BROKEN_MS)
end

-- Add to a number in a hash. Where the field holds none, what it holds is set aside for `tocsin doctor` to tell, and it begins
-- anew: what counts work must not cost it. See counts.py.
local LONGEST_BROKEN = 100 -- characters
local function add(command, hash, field, by)
  local answer = redis.pcall(command, hash, field, by)
  if type(answer) ~= 'table' then return end
  if string.find(answer.err, 'hash value is not', 1, true) or string.find(answer.err, 'would', 1, true) then
    local held, broken = redis.call('HGET', hash, field), K .. 'counts:broken'
    redis.call('HSET', broken, string.sub(hash, #K + 1) .. ' ' .. field, string.sub(held, 1, LONGEST_BROKEN))
    redis.call('PEXPIRE', broken, KEEP_BROKEN_MS)
    redis.call('HDEL', hash, field)
  end
  redis.call(command, hash, field, by)
end

-- So many arguments a command may have at most: Lua's stack is not endless.
local MOST_ARGUMENTS = 1000

-- The values of fields of a hash, however many; false where there is none.
local function read_fields(hash, names)
  local values = {}
  for first = 1, #names, MOST_ARGUMENTS do
    local last = math.min(first + MOST_ARGUMENTS - 1, #names)
    for _, value in ipairs(redis.call('HMGET', hash, unpack(names, first, last))) do values[#values + 1] = value end
  end
  return values
end

local function add_pair(row, name, value)
  row[#row + 1] = name
  row[#row + 1] = value
end

-- HSET or ZADD with pairs of arguments, however many, and an option such as XX.
local function add_pairs(command, key, row, option)
  for first = 1, #row, MOST_ARGUMENTS do
    local part = {unpack(row, first, math.min(first + MOST_ARGUMENTS - 1, #row))}
    if option then table.insert(part, 1, option) end
    redis.call(command, key, unpack(part))
  end
end

-- Add to numbers in a hash, all at once; what is no plain number there is left to `add`.
local PLAIN = {HINCRBY = '^%-?%d+$', HINCRBYFLOAT = '^%-?%d+%.?%d*$'}
local function add_to(command, hash, amounts)
  local names, row = {}, {}
  for name in pairs(amounts) do names[#names + 1] = name end
  for i, kept in ipairs(read_fields(hash, names)) do
    local by = amounts[names[i]]
    if not kept or string.find(kept, PLAIN[command]) then
      add_pair(row, names[i], string.format('%.17g', (tonumber(kept) or 0) + by))
    else
      add(command, hash, names[i], by)
    end
  end
  add_pairs('HSET', hash, row)
end

-- A script that takes many steps may make its counts once, at its end.
local deferred, deferred_exemplars
local function defer_counts() deferred, deferred_exemplars = {}, {} end

local function count(series, by)
  if deferred then
    deferred[series] = (deferred[series] or 0) + (by or 1)
  else
    add('HINCRBYFLOAT', K .. 'metrics', series, by or 1)
  end
end

local function keep_exemplar(series, exemplar)
  if deferred_exemplars then
    deferred_exemplars[series] = exemplar
  else
    redis.call('HSET', K .. 'exemplars', series, exemplar)
  end
end

local function make_counts()
  local counts, exemplars = deferred, deferred_exemplars
  deferred, deferred_exemplars = nil, nil
  local row = {}
  for series, exemplar in pairs(exemplars) do add_pair(row, series, exemplar) end
  add_to('HINCRBYFLOAT', K .. 'metrics', counts)
  add_pairs('HSET', K .. 'exemplars', row)
end

local function is_bucket(series) return string.find(series, '_bucket{', 1, true) ~= nil end

-- An observation is three counts in a row: its bucket, its amount to the sum, and one. Where it is of an article, the
-- bucket's exemplar becomes this one: "article amount moment".
local function count_all(counts, article)
  for i, pair in ipairs(counts) do
    count(pair[1], pair[2])
    if article and is_bucket(pair[1]) then
      keep_exemplar(pair[1], article .. ' ' .. counts[i + 1][2] .. ' ' .. now_ms())
    end
  end
end

-- A whole number as text: more than 14 digits would lose some by Lua's own way.
local function whole(number) return string.format('%.0f', number) end

-- What a protected call failed with, as an answer. Servers before 7.0 give a text.
local function failure(error) return {err = type(error) == 'table' and error.err or tostring(error)} end

local function push(list, ...)
  for _, one in ipairs({...}) do list[#list + 1] = one end
end

-- The audit record: a stream whose lines each carry a hash of their own words and of the line before. See docs/audit.md.
local RECORD, RECORD_HEAD = K .. 'audit', K .. 'audit:head'
local record_head

-- Add a line to the audit record. `fields` are names and values in turn: strings, numbers, booleans or lists of strings or
-- tables; nothing, '' and the empty list are left out. `said` are more of them, as JSON already: ',"name":value…'. Facts only,
-- no text of an article and no secret.
local function audit(kind, fields, said)
  if not record_head then
    local kept = redis.call('HMGET', RECORD_HEAD, 'seq', 'link', 'at_ms')
    if kept[1] then
      record_head = {seq = tonumber(kept[1]), link = kept[2], at_ms = tonumber(kept[3])}
    else
      local t = redis.call('TIME')
      record_head = {seq = 0, link = redis.sha1hex('tocsin audit ' .. t[1] .. '.' .. t[2]), at_ms = 0}
      redis.call('HSET', RECORD_HEAD, 'anchor_seq', 0, 'anchor_link', record_head.link, 'anchor_seal', '')
    end
  end
  local head = record_head
  head.seq, head.at_ms = head.seq + 1, math.max(head.at_ms, now_ms())
  local parts = {'{"seq":' .. whole(head.seq) .. ',"at_ms":' .. whole(head.at_ms) .. ',"kind":"' .. kind .. '"'}
  for i = 1, #fields, 2 do
    local value = fields[i + 1]
    local is_absent = not value or value == '' or value == cjson.null or (type(value) == 'table' and next(value) == nil)
    if not is_absent then
      local written = type(value) == 'number' and whole(value) or cjson.encode(value)
      parts[#parts + 1] = ',"' .. fields[i] .. '":' .. written
    end
  end
  parts[#parts + 1] = (said or '') .. '}'
  local line = table.concat(parts)
  head.link = redis.sha1hex(head.link .. '\n' .. line)
  redis.call('XADD', RECORD, whole(head.at_ms) .. '-' .. whole(head.seq), 'line', line, 'link', head.link)
  redis.call('HSET', RECORD_HEAD, 'seq', head.seq, 'link', head.link, 'at_ms', whole(head.at_ms))
end

-- A number above all that the name gave before, in microseconds since 1970 as far as they go. A mere counter would be
-- set back by a server that lost its newest writes, and would give a number that is still out there a second time.
local function next_number(name)
  local t = redis.call('TIME')
  local last = tonumber(redis.call('GET', K .. name) or 0)
  local number = string.format('%.0f', math.max(last + 1, t[1] * 1000000 + t[2]))
  redis.call('SET', K .. name, number)
  return number
end

-- The number of a new claim.
local function next_fence()
  return next_number('fence')
end

local function count_stale(stage)
  count('tocsin_stale_completions_total{stage="' .. stage .. '"}')
end

-- Whether the claim that is handed in is the newest one; an older one may change nothing.
local function is_current(item, fence, stage)
  if redis.call('HGET', item, 'fence') == fence then return true end
  count_stale(stage)
  return false
end

-- What a poll changes of what is remembered of its feed; '' for what stays as it is. See feed_record.py.
local function keep_record(feed, state, marks, seen_at)
  if state ~= '' then
    redis.call('HSET', feed, 'state', state)
    redis.call('HDEL', feed, 'seen_at')
    if marks ~= '' then redis.call('HSET', feed, 'marks', marks) end
  elseif seen_at ~= '' then
    redis.call('HSET', feed, 'seen_at', seen_at)
  end
end

-- Set work aside that was claimed too often; why is the last failure that was noted, if whoever failed lived to note one.
local function quarantine(stage, due, item, id, now, claims)
  local why = redis.call('HGET', item, 'failure') or 'whoever worked on it died or ran out of time'
  redis.call('HSET', item, 'quarantined_at', now, 'quarantined_for', 'claimed ' .. claims .. ' times: ' .. why)
  redis.call('ZREM', due, id)
  redis.call('ZADD', K .. 'quarantine:' .. stage, now, id)
  count('tocsin_quarantined_total{stage="' .. stage .. '"}')
  audit('quarantined', {'stage', stage, 'id', id, 'claims', tonumber(claims), 'reason', why})
end
