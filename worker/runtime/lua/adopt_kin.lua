-- Take shelves of before over into today's form; what has been taken over is gone, so that once is enough.
-- ARGV: their keys behind the prefix. 'kin:key:PERIOD:FIRST5' (0.1) is a hash of the other six digits to article numbers with
-- commas; 'kin:shelf:PERIOD:NUMBER' a shelf of today with a key of its own.

-- What it holds was remembered before all that is there by now.
local function put_first(at, shelf, entries)
  redis.call('HSET', shelves_of(at), shelf, entries .. (redis.call('HGET', shelves_of(at), shelf) or ''))
end

local function adopt(shown)
  local name = K .. shown
  local form, at, which = string.match(shown, '^kin:(%a+):(%d+):(%x+)$')
  local ttl = redis.call('PTTL', name)
  if not at or ttl == -2 then return end
  if form == 'shelf' then
    put_first(at, struct.pack('>I3', tonumber(which)), redis.call('GET', name))
  else
    local rows = redis.call('HGETALL', name)
    for i = 1, #rows, 2 do
      local shelf, bytes = place(which .. rows[i])
      put_first(at, shelf, (string.gsub(rows[i + 1], '(%d+),?', function(article)
        return bytes .. struct.pack('>I4', tonumber(article))
      end)))
    end
  end
  if redis.call('PTTL', shelves_of(at)) < ttl then redis.call('PEXPIRE', shelves_of(at), ttl) end
  redis.call('DEL', name)
end

for _, shown in ipairs(ARGV) do adopt(shown) end
