
/*
 * The Lua scripts: the state of a shared job changes here and nowhere else.
 * Called by whoever loads them into Redis; constant, no state.
 *
 * A job is a hash: r its record (imgp_record.h), v the record's revision, s
 * its state, f the fence, n the node that holds it, p its pipeline, l what
 * lost nodes count, e why it is dead.  A queued job is in its pipeline's
 * queue, by the time it was queued; a held one among the leases, by the time
 * until which it is held.  Fences are taken from the clock, so that they also
 * grow when Redis has forgotten everything.
 *
 * The first write of each script is one that Redis refuses when its memory is
 * used up: a script that began with another would run to its end then.
 * Commands and forms are those of Redis 7, 8 and Valkey that are not
 * deprecated.  Numbers that may pass 2^31 are formatted, since Lua's ".."
 * rounds them.
 */


#include <openssl/evp.h>
#include <imgp/imgp_redis_lua.h>


#define IMGP_LUA_NOW                                                          \
    "local t = redis.call('TIME')\n"                                          \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

#define IMGP_LUA_FENCE                                                        \
    "local function fence(old)\n"                                             \
    "  return string.format('%.0f', math.max(t[1] * 1000000 + t[2],\n"        \
    "                                        (tonumber(old) or 0) + 1))\n"    \
    "end\n"


/* a place in a queue: in us, by the time of Redis for who has just come, since
   two of one ms would be ordered by their ids */

#define IMGP_LUA_SINCE                                                        \
    "local function since(queued)\n"                                          \
    "  local us = t[1] * 1000000 + t[2]\n"                                    \
    "  local at = tonumber(queued) * 1000\n"                                  \
    "  return string.format('%.0f', us - at < 10000000 and us or at)\n"       \
    "end\n"


/* contents that go along, at the end of ARGV: ms to live, then (key content);
   together they are no more than a piece */

#define IMGP_LUA_CONTENTS(n, first)                                           \
    "for i = " #first ", #ARGV - 1, 2 do\n"                                   \
    "  redis.call('SET', ARGV[i], ARGV[i + 1], 'PX', ARGV[" #n "])\n"         \
    "end\n"


typedef struct {
    const char  *name;
    const char  *text;
} imgp_redis_lua_t;


/* the end of a job that the same upload had before, as far as Redis has all
   its outputs: these stay as long as the new job's (ms).  "made-at
   digest:pieces digest:pieces...\n" and the record */

#define IMGP_LUA_WHOLE                                                        \
    "local function whole(key, oldest, blobs, ms)\n"                          \
    "  local v = redis.call('GET', key)\n"                                    \
    "  if not v then return end\n"                                            \
    "  local made, list, at = string.match(v, '^(%d+) ([%x:; ]*)\\n()')\n"    \
    "  if not made or tonumber(made) < tonumber(oldest) then return end\n"    \
    "  local need = {}\n"                                                     \
    "  for hex, n in string.gmatch(list, '(%x+):(%d+)') do\n"                 \
    "    for i = 0, n - 1 do\n"                                               \
    "      need[#need + 1] = blobs .. hex .. '}:' .. i\n"                     \
    "      if redis.call('EXISTS', need[#need]) == 0 then return end\n"       \
    "    end\n"                                                               \
    "  end\n"                                                                 \
    "  for _, blob in ipairs(need) do\n"                                      \
    "    if redis.call('PTTL', blob) < tonumber(ms) then\n"                   \
    "      redis.call('PEXPIRE', blob, ms)\n"                                 \
    "    end\n"                                                               \
    "  end\n"                                                                 \
    "  return string.sub(v, at)\n"                                            \
    "end\n"


/*
 * submit: KEYS job queue leases [whole] [idempotency key]
 *         ARGV id node record revision state lost pipeline want lease limit
 *              ttl channel score over idem idemttl oldest blobs contents
 * { 0 entered, fence, held } { 1 known, fence, mine, record } { 2 full }
 * { 3 the key is another job's, what was stored with it }
 * { 4 all of it is known, record of the job that made it } { 5 it is not }
 *
 * over: an end that was shown already is written over a job that is not final,
 * if its revision is so much higher, or else 0.  idem: "ID of the job, digest
 * of its body"; of a job that is no longer kept the key is free.  oldest: when
 * a result may have been made to be taken, "": there is no key for it.  Of what
 * is known as a whole no job is made: its end comes next.  want 3: only if it
 * is known (5: it is not).
 */

#define IMGP_LUA_SUBMIT                                                       \
    IMGP_LUA_NOW                                                              \
    IMGP_LUA_SINCE                                                            \
    IMGP_LUA_FENCE                                                            \
    IMGP_LUA_WHOLE                                                            \
    "local o = redis.call('HMGET', KEYS[1], 's', 'f', 'n', 'r', 'v')\n"       \
    "local s = tonumber(ARGV[5])\n"                                           \
    "local over = tonumber(ARGV[14])\n"                                       \
    "if o[1] and not (over > 0 and s > 1 and tonumber(o[1]) < 2\n"            \
    "                 and tonumber(ARGV[4]) >= tonumber(o[5]) + over)\n"      \
    "then\n"                                                                  \
    "  return {1, o[2], o[3] == ARGV[2] and 1 or 0, o[4]}\n"                  \
    "end\n"                                                                   \
    "local idem = KEYS[ARGV[17] == '' and 4 or 5]\n"                          \
    "local twin = idem and redis.call('GET', idem)\n"                         \
    "if twin and redis.call('EXISTS', string.sub(KEYS[1], 1, -27)\n"          \
    "                       .. string.sub(twin, 1, 26)) == 1\n"               \
    "then\n"                                                                  \
    "  return {3, twin}\n"                                                    \
    "end\n"                                                                   \
    "local function bind()\n"                                                 \
    "  if idem then\n"                                                        \
    "    redis.call('SET', idem, ARGV[15], 'PX', ARGV[16])\n"                 \
    "  end\n"                                                                 \
    "end\n"                                                                   \
    "local had = ARGV[17] ~= '' and s < 2\n"                                  \
    "            and whole(KEYS[4], ARGV[17], ARGV[18], ARGV[11])\n"          \
    "if had then\n"                                                           \
    "  bind()\n"                                                              \
    "  return {4, had}\n"                                                     \
    "end\n"                                                                   \
    "if ARGV[8] == '3' then return {5} end\n"                                 \
    "local f = fence(o[2])\n"                                                 \
    "if s > 1 then\n"                                                         \
    "  redis.call('HSET', KEYS[1], 'r', ARGV[3], 'v', ARGV[4], 's', s,\n"     \
    "             'l', ARGV[6], 'p', ARGV[7], 'f', f, 'n', '')\n"             \
    "  bind()\n"                                                              \
    "  redis.call('PEXPIRE', KEYS[1], ARGV[11])\n"                            \
    "  if o[1] then\n"                                                        \
    "    redis.call('ZREM', KEYS[2], ARGV[1])\n"                              \
    "    redis.call('ZREM', KEYS[3], ARGV[1])\n"                              \
    "    redis.call('PUBLISH', ARGV[12], 'x' .. ARGV[1])\n"                   \
    "  end\n"                                                                 \
    "  return {0, f, 0}\n"                                                    \
    "end\n"                                                                   \
    "local n = redis.call('ZCARD', KEYS[2])\n"                                \
    "local limit = tonumber(ARGV[10])\n"                                      \
    "local held = ARGV[8] == '2' or ARGV[8] == '1' and n == 0\n"              \
    "if not held and limit > 0 and n >= limit then return {2} end\n"          \
    "redis.call('HSET', KEYS[1], 'r', ARGV[3], 'v', ARGV[4],\n"               \
    "           's', held and 1 or 0, 'l', ARGV[6], 'p', ARGV[7],\n"          \
    "           'f', f, 'n', held and ARGV[2] or '')\n"                       \
    "bind()\n"                                                                \
    IMGP_LUA_CONTENTS(19, 20)                                                 \
    "if held then\n"                                                          \
    "  redis.call('ZADD', KEYS[3], now + ARGV[9], ARGV[1])\n"                 \
    "  return {0, f, 1}\n"                                                    \
    "end\n"                                                                   \
    "redis.call('ZADD', KEYS[2], since(ARGV[13]), ARGV[1])\n"                 \
    "redis.call('PUBLISH', ARGV[12], 'w')\n"                                  \
    "return {0, f, 0}\n"


/*
 * claim: KEYS leases queue...    ARGV node lease jobs
 * { number of the queue, fence, lost, record, id } { } none
 */

#define IMGP_LUA_CLAIM                                                        \
    IMGP_LUA_NOW                                                              \
    IMGP_LUA_FENCE                                                            \
    "for i = 2, #KEYS do\n"                                                   \
    "  for _ = 1, 100 do\n"                                                   \
    "    local id = redis.call('ZRANGE', KEYS[i], 0, 0)[1]\n"                 \
    "    if not id then break end\n"                                          \
    "    local key = ARGV[3] .. id\n"                                         \
    "    local o = redis.call('HMGET', key, 's', 'f', 'l', 'r')\n"            \
    "    if o[1] == '0' then\n"                                               \
    "      local f = fence(o[2])\n"                                           \
    "      redis.call('HSET', key, 's', 1, 'f', f, 'n', ARGV[1])\n"           \
    "      redis.call('ZREM', KEYS[i], id)\n"                                 \
    "      redis.call('ZADD', KEYS[1], now + ARGV[2], id)\n"                  \
    "      return {i - 2, f, o[3], o[4], id}\n"                               \
    "    end\n"                                                               \
    "    redis.call('ZREM', KEYS[i], id)\n"                                   \
    "  end\n"                                                                 \
    "end\n"                                                                   \
    "return {}\n"


/*
 * beat: KEYS leases    ARGV lease jobs (id fence)...
 * per job 0 held, 1 in other hands, 2 forgotten.  It needs no memory, and a
 * job must not be taken over because memory is used up.
 */

#define IMGP_LUA_BEAT                                                         \
    "#!lua flags=allow-oom\n"                                                 \
    IMGP_LUA_NOW                                                              \
    "local out = {}\n"                                                        \
    "for i = 3, #ARGV, 2 do\n"                                                \
    "  local f = redis.call('HGET', ARGV[2] .. ARGV[i], 'f')\n"               \
    "  if f == ARGV[i + 1] then\n"                                            \
    "    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[i])\n"         \
    "  end\n"                                                                 \
    "  out[#out + 1] = f == ARGV[i + 1] and 0 or f and 1 or 2\n"              \
    "end\n"                                                                   \
    "return out\n"


/*
 * commit: KEYS job queue leases dead [whole]
 *         ARGV id record revision state lost fence ttl channel score reason
 *              deadmax deadage list wholettl contents
 * 0 written, 1 in other hands, 2 forgotten
 */

#define IMGP_LUA_COMMIT                                                       \
    IMGP_LUA_NOW                                                              \
    IMGP_LUA_SINCE                                                            \
    "local o = redis.call('HMGET', KEYS[1], 's', 'f', 'v')\n"                 \
    "if not o[1] then return 2 end\n"                                         \
    "if o[2] ~= ARGV[6] then return 1 end\n"                                  \
    "if tonumber(o[1]) > 1 then return o[3] == ARGV[3] and 0 or 1 end\n"      \
    "local s = tonumber(ARGV[4])\n"                                           \
    "redis.call('HSET', KEYS[1], 'r', ARGV[2], 'v', ARGV[3], 's', s,\n"       \
    "           'l', ARGV[5])\n"                                              \
    "if KEYS[5] then\n"                                                       \
    "  redis.call('SET', KEYS[5], ARGV[13] .. ARGV[2], 'PX', ARGV[14])\n"     \
    "end\n"                                                                   \
    IMGP_LUA_CONTENTS(15, 16)                                                 \
    "if s ~= 1 then\n"                                                        \
    "  redis.call('ZREM', KEYS[3], ARGV[1])\n"                                \
    "end\n"                                                                   \
    "if s == 0 then\n"                                                        \
    "  redis.call('HSET', KEYS[1], 'n', '')\n"                                \
    "  redis.call('ZADD', KEYS[2], since(ARGV[9]), ARGV[1])\n"                \
    "  redis.call('PUBLISH', ARGV[8], 'w')\n"                                 \
    "end\n"                                                                   \
    "if s > 1 then redis.call('PEXPIRE', KEYS[1], ARGV[7]) end\n"             \
    "if ARGV[10] ~= '' then\n"                                                \
    "  redis.call('HSET', KEYS[1], 'e', ARGV[10])\n"                          \
    "  redis.call('ZADD', KEYS[4], now, ARGV[1])\n"                           \
    "  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - ARGV[12])\n"     \
    "  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1 - ARGV[11])\n"            \
    "end\n"                                                                   \
    "redis.call('PUBLISH', ARGV[8], 'j' .. ARGV[1])\n"                        \
    "return 0\n"


/*
 * swap: KEYS job queue leases dead
 *       ARGV id record revision state lost known ttl channel score
 * 0 written, 1 it is another revision by now, 2 forgotten
 */

#define IMGP_LUA_SWAP                                                         \
    IMGP_LUA_NOW                                                              \
    IMGP_LUA_SINCE                                                            \
    IMGP_LUA_FENCE                                                            \
    "local o = redis.call('HMGET', KEYS[1], 'v', 'f')\n"                      \
    "if not o[1] then return 2 end\n"                                         \
    "if o[1] ~= ARGV[6] then return 1 end\n"                                  \
    "local s = tonumber(ARGV[4])\n"                                           \
    "redis.call('HSET', KEYS[1], 'r', ARGV[2], 'v', ARGV[3], 's', s,\n"       \
    "           'l', ARGV[5], 'f', fence(o[2]), 'n', '')\n"                   \
    "redis.call('ZREM', KEYS[3], ARGV[1])\n"                                  \
    "if s > 1 then\n"                                                         \
    "  redis.call('ZREM', KEYS[2], ARGV[1])\n"                                \
    "  redis.call('PEXPIRE', KEYS[1], ARGV[7])\n"                             \
    "else\n"                                                                  \
    "  redis.call('PERSIST', KEYS[1])\n"                                      \
    "  redis.call('ZADD', KEYS[2], since(ARGV[9]), ARGV[1])\n"                \
    "  redis.call('ZREM', KEYS[4], ARGV[1])\n"                                \
    "  redis.call('PUBLISH', ARGV[8], 'w')\n"                                 \
    "end\n"                                                                   \
    "redis.call('PUBLISH', ARGV[8], 'x' .. ARGV[1])\n"                        \
    "return 0\n"


/*
 * reap: KEYS leases    ARGV jobs queues channel max lease blame
 * how many were put into their queues again.  A lease further away than two
 * are long was given before the clock was set back: it is cut.
 */

#define IMGP_LUA_REAP                                                         \
    IMGP_LUA_NOW                                                              \
    IMGP_LUA_FENCE                                                            \
    "local n = 0\n"                                                           \
    "for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now,\n"        \
    "                    'BYSCORE', 'LIMIT', 0, ARGV[4])) do\n"               \
    "  local key = ARGV[1] .. id\n"                                           \
    "  local o = redis.call('HMGET', key, 's', 'p', 'f', 'l')\n"              \
    "  if o[1] == '1' then\n"                                                 \
    "    redis.call('HSET', key, 's', 0, 'n', '', 'f', fence(o[3]),\n"        \
    "               'l', (tonumber(o[4]) or 0) + ARGV[6])\n"                  \
    "    redis.call('ZADD', ARGV[2] .. o[2], 0, id)\n"                        \
    "    redis.call('PUBLISH', ARGV[3], 'x' .. id)\n"                         \
    "    n = n + 1\n"                                                         \
    "  end\n"                                                                 \
    "  redis.call('ZREM', KEYS[1], id)\n"                                     \
    "end\n"                                                                   \
    "for _, id in ipairs(redis.call('ZRANGE', KEYS[1],\n"                     \
    "                    now + 2 * ARGV[5], '+inf', 'BYSCORE',\n"             \
    "                    'LIMIT', 0, ARGV[4])) do\n"                          \
    "  redis.call('ZADD', KEYS[1], now + ARGV[5], id)\n"                      \
    "end\n"                                                                   \
    "if n > 0 then redis.call('PUBLISH', ARGV[3], 'w') end\n"                 \
    "return n\n"


/*
 * read: KEYS job    ARGV id queues
 * { record, fence, node, lost, place in the queue or 0 } { } none
 */

#define IMGP_LUA_READ                                                         \
    "local o = redis.call('HMGET', KEYS[1], 'r', 'f', 'n', 'l', 's', 'p')\n"  \
    "if not o[1] then return {} end\n"                                        \
    "local n = o[5] == '0'\n"                                                 \
    "          and redis.call('ZRANK', ARGV[2] .. o[6], ARGV[1])\n"           \
    "return {o[1], o[2], o[3], o[4], n and n + 1 or 0}\n"


/*
 * get: KEYS result flight    ARGV oldest token lease blobs inline
 * { 0 known, manifest, content... } { 1 make it } { 2 it is being made }
 *
 * A result is "made-at bytes digest digest...\n" and its manifest; the
 * contents come along when they are small.
 */

#define IMGP_LUA_GET                                                          \
    "local v = redis.call('GET', KEYS[1])\n"                                  \
    "if v then\n"                                                             \
    "  local made, bytes, list, at =\n"                                       \
    "      string.match(v, '^(%d+) (%d+) ([%x ]*)\\n()')\n"                   \
    "  local out = {0, string.sub(v, at)}\n"                                  \
    "  if tonumber(made) < tonumber(ARGV[1]) then out = nil end\n"            \
    "  if out and tonumber(bytes) <= tonumber(ARGV[5]) then\n"                \
    "    for hex in string.gmatch(list, '%x+') do\n"                          \
    "      local b = out and redis.call('GET', ARGV[4] .. hex .. '}:0')\n"    \
    "      if b then out[#out + 1] = b else out = nil end\n"                  \
    "    end\n"                                                               \
    "  end\n"                                                                 \
    "  if out then return out end\n"                                          \
    "end\n"                                                                   \
    "if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3])\n"           \
    "   or redis.call('GET', KEYS[2]) == ARGV[2]\n"                           \
    "then\n"                                                                  \
    "  return {1}\n"                                                          \
    "end\n"                                                                   \
    "return {2}\n"


/* put: KEYS result flight    ARGV value (or "") ttl token channel key contents
 */

#define IMGP_LUA_PUT                                                          \
    IMGP_LUA_CONTENTS(6, 7)                                                   \
    "if ARGV[1] ~= '' then\n"                                                 \
    "  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"                  \
    "end\n"                                                                   \
    "if redis.call('GET', KEYS[2]) == ARGV[3] then\n"                         \
    "  redis.call('DEL', KEYS[2])\n"                                          \
    "end\n"                                                                   \
    "redis.call('PUBLISH', ARGV[4], 'f' .. ARGV[5])\n"                        \
    "return 0\n"


/* hold: KEYS flight    ARGV token lease */

#define IMGP_LUA_HOLD                                                         \
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 1 end\n"            \
    "redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"                               \
    "return 0\n"


/*
 * places: KEYS places    ARGV node lease limit need keep channel name
 * { how many this node has, and up to how many it may begin calls }
 *
 * A node keeps its places over calls, for a lease, and tells how many it needs
 * and how many it will not let go now.  Who needs less than a fair share has
 * what it needs; the others share the rest, what cannot be divided goes round
 * each second.  While nobody lacks any, a node gets as many again as it needs,
 * so that not each call asks.  Per node: "need has until".
 *
 * A hint is sent when the node gave some back, or has begun to lack some: what
 * follows from a hint alone sends no further one, so they come to an end.
 */

#define IMGP_LUA_PLACES                                                       \
    "#!lua flags=allow-oom\n"                                                 \
    IMGP_LUA_NOW                                                              \
    "local limit, need = tonumber(ARGV[3]), tonumber(ARGV[4])\n"              \
    "local keep = tonumber(ARGV[5])\n"                                        \
    "local all = redis.call('HGETALL', KEYS[1])\n"                            \
    "local list = {{ARGV[1], need}}\n"                                        \
    "local others, lack, had, knew = 0, false, 0, 0\n"                        \
    "for i = 1, #all, 2 do\n"                                                 \
    "  local n, g, e = string.match(all[i + 1], '^(%d+) (%d+) (%d+)$')\n"     \
    "  n, g, e = tonumber(n) or 0, tonumber(g) or 0, tonumber(e) or 0\n"      \
    "  if all[i] == ARGV[1] then\n"                                           \
    "    had, knew = g, n\n"                                                  \
    "  elseif e <= now then\n"                                                \
    "    redis.call('HDEL', KEYS[1], all[i])\n"                               \
    "  else\n"                                                                \
    "    others = others + g\n"                                               \
    "    lack = lack or g < n\n"                                              \
    "    list[#list + 1] = {all[i], n}\n"                                     \
    "  end\n"                                                                 \
    "end\n"                                                                   \
    "table.sort(list, function(a, b)\n"                                       \
    "  return a[2] < b[2] or a[2] == b[2] and a[1] < b[1]\n"                  \
    "end)\n"                                                                  \
    "local left, share = limit, 0\n"                                          \
    "for i = 1, #list do\n"                                                   \
    "  local rest = #list - i + 1\n"                                          \
    "  local each = math.floor(left / rest)\n"                                \
    "  if list[i][2] > each then\n"                                           \
    "    local before = 0\n"                                                  \
    "    for k = i, #list do\n"                                               \
    "      if list[k][1] < ARGV[1] then before = before + 1 end\n"            \
    "    end\n"                                                               \
    "    local turn = before + math.floor(now / 1000)\n"                      \
    "    share = each + (turn % rest < left % rest and 1 or 0)\n"             \
    "    break\n"                                                             \
    "  end\n"                                                                 \
    "  if list[i][1] == ARGV[1] then share = need break end\n"                \
    "  left = left - list[i][2]\n"                                            \
    "end\n"                                                                   \
    "local free = limit - others\n"                                           \
    "local has = lack and share or 2 * need\n"                                \
    "has = math.max(math.min(has, free), keep, 0)\n"                          \
    "if need == 0 and has == 0 then\n"                                        \
    "  redis.call('HDEL', KEYS[1], ARGV[1])\n"                                \
    "else\n"                                                                  \
    "  redis.call('HSET', KEYS[1], ARGV[1], string.format(\n"                 \
    "             '%d %d %.0f', need, has, now + ARGV[2]))\n"                 \
    "  redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])\n"                         \
    "end\n"                                                                   \
    "if lack and has < had\n"                                                 \
    "   or has < math.min(need, share) and (knew <= had or need > knew)\n"    \
    "then\n"                                                                  \
    "  redis.call('PUBLISH', ARGV[6], string.format('s%.0f %s %s',\n"         \
    "             t[1] * 1000000 + t[2], ARGV[1], ARGV[7]))\n"                \
    "end\n"                                                                   \
    "return {has, lack and math.min(has, share) or has}\n"


/*
 * tokens: KEYS rate    ARGV interval (us) wanted
 * us until the first of so many calls, which are an interval apart
 */

#define IMGP_LUA_TOKENS                                                       \
    "#!lua flags=allow-oom\n"                                                 \
    "local t = redis.call('TIME')\n"                                          \
    "local now = t[1] * 1000000 + t[2]\n"                                     \
    "local ahead = ARGV[1] * ARGV[2]\n"                                       \
    "local at = math.max(tonumber(redis.call('GET', KEYS[1])) or 0, now)\n"   \
    "if at > now + 1000 * ahead then at = now end\n"                          \
    "redis.call('SET', KEYS[1], string.format('%.0f', at + ahead), 'PX',\n"   \
    "           string.format('%.0f', (at - now + ahead) / 1000 + 1))\n"      \
    "return at - now\n"


static const imgp_redis_lua_t  imgp_redis_lua[] = {
    { "submit", IMGP_LUA_SUBMIT },
    { "claim", IMGP_LUA_CLAIM },
    { "beat", IMGP_LUA_BEAT },
    { "commit", IMGP_LUA_COMMIT },
    { "swap", IMGP_LUA_SWAP },
    { "reap", IMGP_LUA_REAP },
    { "read", IMGP_LUA_READ },
    { "get", IMGP_LUA_GET },
    { "put", IMGP_LUA_PUT },
    { "hold", IMGP_LUA_HOLD },
    { "places", IMGP_LUA_PLACES },
    { "tokens", IMGP_LUA_TOKENS }
};


const char *
imgp_redis_lua_name(imgp_redis_script_e script)
{
    return imgp_redis_lua[script].name;
}


const char *
imgp_redis_lua_text(imgp_redis_script_e script)
{
    return imgp_redis_lua[script].text;
}


void
imgp_redis_lua_sha(imgp_redis_script_e script,
    char sha[IMGP_REDIS_SHA_LEN + 1])
{
    size_t              i;
    u_char              md[EVP_MAX_MD_SIZE];
    unsigned            len;
    const char         *text;

    static const char   hex[] = "0123456789abcdef";

    text = imgp_redis_lua[script].text;
    len = 0;

    (void) EVP_Digest(text, strlen(text), md, &len, EVP_sha1(), NULL);

    for (i = 0; i < len && i < IMGP_REDIS_SHA_LEN / 2; i++) {
        sha[2 * i] = hex[md[i] >> 4];
        sha[2 * i + 1] = hex[md[i] & 15];
    }

    sha[2 * i] = '\0';
}
