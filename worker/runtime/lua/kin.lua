-- The remembered articles that share a key with the one at hand. Shared.
-- Keys are kept in the period they were written in, and read in this and the last: what is older is forgotten whole.
--
-- A key is 11 hex digits. Its first 18 bits name a shelf, a string of entries of 8 bytes, the oldest first: the other 26
-- bits, then the article's number. All shelves of a period are one hash, so that one command reads those of an article, one
-- writes them, and the period ends as a whole. Whoever looks for kin does so without a script (`kin_index.py`); here they are
-- looked up again only if others were remembered since.
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

-- Numbers of the kin in the periods first to last as 'period:number', those that share most keys first, at most `most`; of
-- one key and period its newest `per_key`. `places` are the shelves of the keys, and the bytes that each is told by there.
local function find_kin(places, first, last, most, per_key)
  local many = #places.shelves
  if many == 0 then return {} end
  local hits, found = {}, {}
  for at = first, last do
    local shelves = read_shelves(places, at)
    for i = 1, many do
      local entries = shelves[i]
      local starts = entries and places_on(entries, places.bytes[i]) or {}
      for j = math.max(#starts - per_key, 0) + 1, #starts do
        local name = at .. ':' .. struct.unpack('>I4', entries, starts[j] + 4)
        if not hits[name] then hits[name] = 0; found[#found + 1] = name end
        hits[name] = hits[name] + 1
      end
    end
  end
  table.sort(found, function(a, b)
    if hits[a] ~= hits[b] then return hits[a] > hits[b] end
    return a < b
  end)
  while #found > most do found[#found] = nil end
  return found
end

-- How many articles were ever remembered: while this stays the same, so do everybody's kin.
local function remembered() return redis.call('GET', K .. 'kin:n') or '0' end

-- Whether what was `seen` of kin (see `kin_index.py`) still holds: in the periods that were read then, and in those begun
-- since. Whoever looked has a clock of its own, so near a period's turn it may read one more than this server would; how
-- far back is read stays bounded, whatever that clock says.
local function is_same_kin(seen, places, now, window_ms, most, per_key)
  local before, first, last, kin = string.match(seen, '^(%d+) (%d+)%-(%d+) ?(.*)$')
  if before == remembered() then return true end
  local this = period(now, window_ms)
  local from = math.max(this - 2, math.min(tonumber(first) or this, this - 1))
  local to = math.min(this + 1, math.max(tonumber(last) or this, this))
  return table.concat(find_kin(places, from, to, most, per_key), ' ') == (kin or '')
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

-- The kin of articles that are told in one script: what these added themselves is known without looking. The bytes of keys
-- tell well enough whether one added what another looks for; if they err, it is looked up in vain.
local function own_kin()
  local all, mine, added = nil, 0, {}
  local own = {}

  function own.is_same(seen, places, now, limits)
    all = all or tonumber(remembered())
    local is_touched = tonumber(string.match(seen, '^%d+')) ~= all - mine
    for _, bytes in ipairs(places.bytes) do is_touched = is_touched or added[bytes] end
    return not is_touched or is_same_kin(seen, places, now, limits.window_ms, limits.most, limits.per_key)
  end

  function own.remember(places, record, now, limits)
    all, mine = remember_kin(places, record, now, limits), mine + 1
    for _, bytes in ipairs(places.bytes) do added[bytes] = true end
  end

  return own
end
