-- Keep what of a configuration decides, and note that it is in force.
-- ARGV: hash, form, its sha256, JSON list of {sha256, form} of its name lists, keep ms, model, version.
-- Those that are not in force any more are kept for so long after. Returns 1 where it is another than before.
local function configuration(hash) return K .. 'configuration:' .. hash end
local function list(sha256) return K .. 'name_list:' .. sha256 end

local lists = {}
for _, one in ipairs(cjson.decode(ARGV[4])) do
  redis.call('SET', list(one[1]), one[2])
  lists[#lists + 1] = one[1]
end
redis.call('HSET', configuration(ARGV[1]), 'form', ARGV[2], 'sha256', ARGV[3], 'lists', table.concat(lists, ' '))
redis.call('PERSIST', configuration(ARGV[1]))

local front = K .. 'configuration'
local before = redis.call('HMGET', front, 'config', 'form', 'model', 'version')
if before[1] == ARGV[1] and before[2] == ARGV[3] and before[3] == ARGV[6] and before[4] == ARGV[7] then return 0 end
if before[1] and before[1] ~= ARGV[1] then
  local theirs = redis.call('HGET', configuration(before[1]), 'lists') or ''
  for sha256 in string.gmatch(theirs, '%S+') do
    local is_ours = false
    for _, own in ipairs(lists) do is_ours = is_ours or own == sha256 end
    if not is_ours then redis.call('PEXPIRE', list(sha256), ARGV[5]) end
  end
  redis.call('PEXPIRE', configuration(before[1]), ARGV[5])
end
redis.call('HSET', front, 'config', ARGV[1], 'form', ARGV[3], 'model', ARGV[6], 'version', ARGV[7])
audit('in_force', {'config', ARGV[1], 'form_sha256', ARGV[3], 'model', ARGV[6], 'version', ARGV[7]})
return 1
