#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// What runs within Redis, each as a whole: the one place where all replicas meet. Time is the
// store's own, in milliseconds. A replica lives as long as its line in `replicas` says, and with it
// all its claims. README.md has the keys.
namespace poplar::shared_state {

enum class Script : uint8_t { kBeat, kAgree, kClaim, kCount, kRelease, kTell, kJoin };

// KEYS: replicas, agreed, born, settings. ARGV: id, lease in ms, its votes, ids that it had
// before. Answers: now, whether it was known, what was agreed, and of the others id and line each.
inline constexpr std::string_view kBeatScript = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lines = redis.call('HGETALL', KEYS[1])
local known, others, before, alive = 0, {}, {}, false
for id in string.gmatch(ARGV[4], '%S+') do before[id] = true end
for i = 1, #lines, 2 do
  local id, ends = lines[i], tonumber(string.match(lines[i + 1], '^%d+'))
  if not ends or ends <= now then
    redis.call('HDEL', KEYS[1], id)
  else
    alive = true
    if id == ARGV[1] then
      known = 1
    elseif not before[id] then
      table.insert(others, id)
      table.insert(others, lines[i + 1])
    end
  end
end
local line = string.format('%.0f %.0f %s', now + ARGV[2], now, ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], line)
-- Where nobody lives any more, whoever did has yet to come back.
if not alive or redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('SET', KEYS[3], string.format('%.0f', now))
end
for _, key in ipairs({KEYS[1], KEYS[2], KEYS[4]}) do
  redis.call('PEXPIRE', key, 20 * ARGV[2])
end
return {string.format('%.0f', now), known, redis.call('GET', KEYS[2]) or '', others}
)";

// KEYS: agreed. ARGV: what it has to be, and what it is to become, and its life in ms.
inline constexpr std::string_view kAgreeScript = R"(
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
)";

// KEYS: the user's claim, replicas, born. ARGV: id, ids that it had before, node, number of the
// stay, sessions that count, the claim's life in s, and for how many ms behind the store's birth
// nobody may claim what nobody has; 0: a claim that is made again.
// Answers: a word, the node, sessions of the others; behind `young` for how many ms it still is.
inline constexpr std::string_view kClaimScript = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function lives(id)
  local line = redis.call('HGET', KEYS[2], id)
  local ends = line and tonumber(string.match(line, '^%d+'))
  return ends and ends > now
end
if not lives(ARGV[1]) then return {'stranger', '', 0} end
local before = {}
for id in string.gmatch(ARGV[2], '%S+') do before[id] = true end
local held = redis.call('HGETALL', KEYS[1])
local node, others, sessions, mine = '', 0, 0, false
for i = 1, #held, 2 do
  local id, value = held[i], held[i + 1]
  if id == 'node' then
    node = value
  elseif id == ARGV[1] then
    mine = true
  elseif before[id] then
    mine = true
    redis.call('HDEL', KEYS[1], id)
  elseif lives(id) then
    others = others + 1
    sessions = sessions + (tonumber(string.match(value, '%d+$')) or 0)
  else
    redis.call('HDEL', KEYS[1], id)
  end
end
if others > 0 and node ~= ARGV[3] then return {'elsewhere', node, sessions} end
if others == 0 and not mine and ARGV[7] ~= '0' then
  local born = tonumber(redis.call('GET', KEYS[3]) or '')
  local left = (born or now) + ARGV[7] - now
  if left > 0 then return {'young', '', left} end
end
redis.call('HSET', KEYS[1], 'node', ARGV[3], ARGV[1], ARGV[4] .. ' ' .. ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[6])
return {'granted', ARGV[3], sessions}
)";

// KEYS: the user's claim. ARGV: id, number of the stay, sessions that count.
inline constexpr std::string_view kCountScript = R"(
local mine = redis.call('HGET', KEYS[1], ARGV[1])
if not mine or string.match(mine, '^%d+') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
return 1
)";

// KEYS: the user's claim. ARGV: id and those that it had before, number of the stay.
inline constexpr std::string_view kReleaseScript = R"(
for id in string.gmatch(ARGV[1], '%S+') do
  local mine = redis.call('HGET', KEYS[1], id)
  if mine and string.match(mine, '^%d+') == ARGV[2] then redis.call('HDEL', KEYS[1], id) end
end
if redis.call('HLEN', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
return 1
)";

// KEYS: said, settings. ARGV: who says it, its number there, the word, what it sets or nothing, and
// the settings' life in ms.
inline constexpr std::string_view kTellScript = R"(
redis.call('XADD', KEYS[1], 'MAXLEN', '~', 1000, '*', 'from', ARGV[1], 'number', ARGV[2], 'word', ARGV[3])
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[4], ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
return 1
)";

// KEYS: said, settings. Answers: the last entry's id, and all settings.
inline constexpr std::string_view kJoinScript = R"(
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return {last[1] and last[1][1] or '0-0', redis.call('HVALS', KEYS[2])}
)";

inline constexpr std::array kScripts = {kBeatScript,    kAgreeScript, kClaimScript, kCountScript,
                                        kReleaseScript, kTellScript,  kJoinScript};

}  // namespace poplar::shared_state
