-- The remembered articles that share a key with the one at hand. Shared.
-- Keys are kept in the period they were written in, and read in this and the last: what is older is forgotten whole.
--
-- A key is 11 hex digits. Its first 18 bits name a shelf, a string of entries of 8 bytes, the oldest first: the other 26
-- bits, then the article's number. One MGET reads all shelves of an article, and an APPEND adds to one. Whoever looks for
-- kin does so without a script (`kin_index.py`); here they are looked up again only if others were remembered since.
local ENTRY, LONGEST_SHELF = 8, 16384

local function period(now, window_ms) return math.floor(now / window_ms) end

-- The shelf of a key, and the four bytes that it is told by there.
local function place(key)
  local head = tonumber(string.sub(key, 1, 5), 16)
  return math.floor(head / 4), struct.pack('>I4', (head % 4) * 16777216 + tonumber(string.sub(key, 6), 16))
end

local function shelves_of(at) return K .. 'kin:shelf:' .. at .. ':' end

local function shelf(at, number) return shelves_of(at) .. number end

local function book(at, number) return K .. 'kin:' .. at .. ':' .. math.floor(number / 64) end

-- The numbers of the newest articles that stand under four bytes on a shelf, at most `most`.
local function standing(entries, bytes, most)
  local found, from = {}, 1
  while true do
    local start = string.find(entries, bytes, from, true)
    if not start then break end
    if start % ENTRY == 1 then
      found[#found + 1] = struct.unpack('>I4', entries, start + 4)
      from = start + ENTRY
    else
      from = start + 1
    end
  end
  while #found > most do table.remove(found, 1) end
  return found
end

-- Numbers of the kin in the periods first to last as 'period:number', those that share most keys first, at most `most`; of
-- one key and period its newest `per_key`. `places` are the shelves of the keys, and the bytes
-- that each is told by there.
local function find_kin(places, first, last, most, per_key)
  local many = #places.shelves
  if many == 0 then return {} end
  local names = {}
  for at = first, last do
    local start = shelves_of(at)
    for _, number in ipairs(places.shelves) do names[#names + 1] = start .. number end
  end
  local shelves = redis.call('MGET', unpack(names))
  local hits, found = {}, {}
  for i = 1, #names do
    local entries = shelves[i]
    if entries then
      local at, bytes = first + math.floor((i - 1) / many), places.bytes[(i - 1) % many + 1]
      for _, number in ipairs(standing(entries, bytes, per_key)) do
        local name = at .. ':' .. number
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

-- Remember an article under its keys; how many ever were. A shelf that grows too long forgets its older half.
-- While few articles are remembered most shelves begin with this one, and one command makes both the shelf and its end.
local function remember_kin(places, record, now, window_ms)
  local at, number, kept = period(now, window_ms), redis.call('INCR', K .. 'kin:n'), whole(3 * window_ms)
  redis.call('HSET', book(at, number), number, record)
  redis.call('PEXPIRE', book(at, number), kept, 'NX')
  local names, start, told = {}, shelves_of(at), struct.pack('>I4', number)
  for i, shelf_number in ipairs(places.shelves) do names[i] = start .. shelf_number end
  local is_bare = redis.call('EXISTS', unpack(names)) * 2 < #names
  for i, name in ipairs(names) do
    local entry = places.bytes[i] .. told
    if not (is_bare and redis.call('SET', name, entry, 'NX', 'PX', kept)) then
      local size = redis.call('APPEND', name, entry)
      if size == ENTRY then redis.call('PEXPIRE', name, kept) end
      if size > LONGEST_SHELF then
        redis.call('SET', name, redis.call('GETRANGE', name, -LONGEST_SHELF / 2, -1), 'KEEPTTL')
      end
    end
  end
  return number
end

-- The places of keys from the numbers of their shelves and their bytes, four for each.
local function places_of(shelves, bytes)
  local places = {shelves = shelves, bytes = {}}
  for i = 1, #shelves do places.bytes[i] = string.sub(bytes, 4 * i - 3, 4 * i) end
  return places
end

-- The kin of articles that are told in one script: what these added themselves is known without looking.
local function own_kin()
  local all, mine, added = nil, 0, {}
  local own = {}

  function own.is_same(seen, places, now, limits)
    all = all or tonumber(remembered())
    local is_touched = tonumber(string.match(seen, '^%d+')) ~= all - mine
    for i, number in ipairs(places.shelves) do is_touched = is_touched or added[number .. places.bytes[i]] end
    return not is_touched or is_same_kin(seen, places, now, limits.window_ms, limits.most, limits.per_key)
  end

  function own.remember(places, record, now, window_ms)
    all, mine = remember_kin(places, record, now, window_ms), mine + 1
    for i, number in ipairs(places.shelves) do added[number .. places.bytes[i]] = true end
  end

  return own
end
