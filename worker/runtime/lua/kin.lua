-- The remembered articles that share a key with the one at hand. Shared.
-- Keys are kept in the period they were written in, and read in this and the last: what is older is forgotten whole.
local function period(now, window_ms) return math.floor(now / window_ms) end

local function shelf(at, key) return K .. 'kin:key:' .. at .. ':' .. string.sub(key, 1, 5) end

local function book(at, number) return K .. 'kin:' .. at .. ':' .. math.floor(number / 64) end

-- Numbers of the kin as 'period:number', those that share most keys first, at most `most`.
local function find_kin(keys, now, window_ms, most)
  local hits, found = {}, {}
  local this = period(now, window_ms)
  for _, key in ipairs(keys) do
    for at = this - 1, this do
      local numbers = redis.call('HGET', shelf(at, key), string.sub(key, 6))
      if numbers then
        for number in string.gmatch(numbers, '[^,]+') do
          local name = at .. ':' .. number
          if not hits[name] then hits[name] = 0; found[#found + 1] = name end
          hits[name] = hits[name] + 1
        end
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

-- Remember an article under its keys; each key keeps its newest `per_key` articles.
local function remember_kin(keys, record, now, window_ms, per_key)
  local at, number = period(now, window_ms), redis.call('INCR', K .. 'kin:n')
  redis.call('HSET', book(at, number), number, record)
  redis.call('PEXPIRE', book(at, number), 3 * window_ms, 'NX')
  for _, key in ipairs(keys) do
    local place, field = shelf(at, key), string.sub(key, 6)
    local numbers = redis.call('HGET', place, field)
    if numbers then
      local _, commas = string.gsub(numbers, ',', '')
      if commas + 1 >= per_key then numbers = string.gsub(numbers, '^[^,]*,', '') end
      redis.call('HSET', place, field, numbers .. ',' .. number)
    else
      redis.call('HSET', place, field, number)
      redis.call('PEXPIRE', place, 3 * window_ms)
    end
  end
end
