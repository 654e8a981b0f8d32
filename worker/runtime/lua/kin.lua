-- The remembered articles that share a key with the one at hand. Shared.
-- Keys are kept in the period they were written in, and read in this and the last: what is older is forgotten whole.
--
-- A key is 11 hex digits. Its first 18 bits name a shelf, a string of entries of 8 bytes, the oldest first: the other 26
-- bits, then the article's number. All shelves of a period are one hash, so that one command reads those of an article, one
-- writes them, and the period ends as a whole. Whoever looks for kin does so without a script (`kin_index.py`); here is told
-- only whether others were remembered since.
local ENTRY, LONGEST_SHELF = 8, 16384

local function period(now, window_ms) return math.floor(now / window_ms) end

-- The name of the shelf of a key, its number in three bytes, and the four bytes that the key is told by there.
local function place(key)
  local head = tonumber(string.sub(key, 1, 5), 16)
  local told = struct.pack('>I4', (head % 4) * 16777216 + tonumber(string.sub(key, 6), 16))
  return struct.pack('>I3', math.floor(head / 4)), told
end

local function shelves_of(at) return K .. 'kin:shelves:' .. at end

local function book(at, number) return K .. 'kin:' .. at .. ':' .. math.floor(number / 64) end

-- Where the entries of some four bytes begin on a shelf, the oldest first.
local function places_on(entries, bytes)
  local found, from = {}, 1
  while true do
    local start = string.find(entries, bytes, from, true)
    if not start then return found end
    if start % ENTRY == 1 then
      found[#found + 1] = start
      from = start + ENTRY
    else
      from = start + 1
    end
  end
end

-- What stands on the shelves of some keys in a period; read once, as long as nothing is written there.
local function read_shelves(places, at)
  if not places.read[at] then places.read[at] = redis.call('HMGET', shelves_of(at), unpack(places.shelves)) end
  return places.read[at]
end

-- Whether an article that shares some four bytes came onto a shelf after so many had been remembered: the newest stand last.
local function has_later(entries, bytes, before)
  local start = #entries - ENTRY + 1
  while start > 0 and struct.unpack('>I4', entries, start + 4) > before do
    if string.sub(entries, start, start + 3) == bytes then return true end
    start = start - ENTRY
  end
  return false
end

-- Whether kin were remembered since kin were `seen` (see `kin_index.py`), in the periods that have been since. Whoever looked
-- has a clock of its own, which may have been in the period before the server's.
local function has_new_kin(seen, places, now, window_ms)
  local before, first = string.match(seen, '^(%d+) (%d+)%-')
  local this = period(now, window_ms)
  for at = math.max((tonumber(first) or 0) + 1, this - 1), this do
    local shelves = read_shelves(places, at)
    for i, bytes in ipairs(places.bytes) do
      if shelves[i] and has_later(shelves[i], bytes, tonumber(before) or 0) then return true end
    end
  end
  return false
end

-- A shelf with one entry more. What no longer counts goes: of one key its newest `per_key` are read, and a shelf that grows
-- too long forgets its older half.
local function with_entry(entries, bytes, number, per_key)
  if #entries >= per_key * ENTRY then
    local starts = places_on(entries, bytes)
    local first = starts[#starts - per_key + 1]
    if first then entries = string.sub(entries, 1, first - 1) .. string.sub(entries, first + ENTRY) end
  end
  if #entries >= LONGEST_SHELF then entries = string.sub(entries, -LONGEST_SHELF / 2) end
  return entries .. bytes .. number
end

-- Add to the shelves of a period, all with one command; of a shelf that two keys share the last that is written counts.
local function shelve(at, places, number, per_key)
  local told, written, row = struct.pack('>I4', number), {}, {}
  local bytes, kept = places.bytes, read_shelves(places, at)
  for i, shelf in ipairs(places.shelves) do
    local before = written[shelf] or kept[i]
    local entries = before and with_entry(before, bytes[i], told, per_key) or bytes[i] .. told
    written[shelf] = entries
    row[2 * i - 1], row[2 * i] = shelf, entries
  end
  redis.call('HSET', shelves_of(at), unpack(row))
end

local has_end = {} -- what was looked at in this script

local function end_with_period(key, window_ms)
  if not has_end[key] and redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, whole(3 * window_ms)) end
  has_end[key] = true
end

-- Remember an article under its keys; how many ever were.
local function remember_kin(places, record, now, limits)
  local at, number = period(now, limits.window_ms), redis.call('INCR', K .. 'kin:n')
  local filed = book(at, number)
  redis.call('HSET', filed, number, record)
  end_with_period(filed, limits.window_ms)
  shelve(at, places, number, limits.per_key)
  end_with_period(shelves_of(at), limits.window_ms)
  return number
end

-- A text's parts of so many bytes each, from `first` on.
local function parts_of(text, bytes, first, many)
  local parts = {struct.unpack(string.rep('c' .. bytes, many), text, first)}
  parts[many + 1] = nil -- where it ended
  return parts
end

-- The places of keys: the shelves' names, three bytes for each key, then the four bytes that each is told by there.
local function places_of(keys)
  local many = #keys / 7
  return {shelves = parts_of(keys, 3, 1, many), bytes = parts_of(keys, 4, 3 * many + 1, many), read = {}}
end
