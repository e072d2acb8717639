/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

/*
 * The reads come first: a key of the wrong type ends a script before it has
 * written anything.
 */
#define COMMON \
"local state, holders, queue, places, fence = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]\n" \
"local me, channel = ARGV[1], ARGV[2]\n" \
"local call = redis.call\n" \
"local time = call('TIME')\n" \
"local now = time[1] * 1000 + math.floor(time[2] / 1000)\n" \
"local newest = call('GET', fence)\n" \
"call('HLEN', state) call('ZCARD', holders) call('ZCARD', queue) call('ZCARD', places)\n" \
"local function drop(owner)\n" \
"  call('HDEL', state, owner) call('ZREM', holders, owner) call('ZREM', queue, owner) call('ZREM', places, owner)\n" \
"end\n" \
"local function mode_of(owner) return string.sub(call('HGET', state, owner) or 'W', 1, 1) end\n" \
/* Tells those whose turn it is: a writer, or the readers up to the next writer. */ \
"local function wake()\n" \
"  local held = call('ZCARD', holders)\n" \
"  if held > 0 and call('HGET', state, '!') == 'W' then return end\n" \
"  local i = 0\n" \
"  while true do\n" \
"    local owner = call('ZRANGE', queue, i, i)[1]\n" \
"    if not owner then return end\n" \
"    local writes = mode_of(owner) == 'W'\n" \
"    if writes and (i > 0 or held > 0) then return end\n" \
"    call('PUBLISH', channel .. owner, 'wake')\n" \
"    if writes then return end\n" \
"    i = i + 1\n" \
"  end\n" \
"end\n" \
/* The keys go with the last that is named in them. */ \
"local function settle()\n" \
"  local last = 0\n" \
"  for _, key in ipairs({ holders, places }) do\n" \
"    local top = call('ZREVRANGE', key, 0, 0, 'WITHSCORES')\n" \
"    if top[2] then last = math.max(last, tonumber(top[2])) end\n" \
"  end\n" \
"  for _, key in ipairs({ state, holders, queue, places }) do\n" \
"    if last == 0 then call('DEL', key) else call('PEXPIREAT', key, string.format('%.0f', last)) end\n" \
"  end\n" \
"end\n" \
/* Whose lease or place has ended. */ \
"local function sweep()\n" \
"  local swept = false\n" \
"  for _, key in ipairs({ holders, places }) do\n" \
"    for _, owner in ipairs(call('ZRANGEBYSCORE', key, '-inf', now)) do\n" \
"      drop(owner)\n" \
"      swept = true\n" \
"    end\n" \
"  end\n" \
"  return swept\n" \
"end\n"

/*
 * {1, token}: granted.  {0, number in line or -1, milliseconds until the first
 * lease or place in the way ends, owner, record, owner, record ...}: not, and
 * who is in the way: for the first in line holders, for others the one before.
 * A token is never less than the time in microseconds, so that it grows even
 * where the server lost what it had.
 */
#define ASK \
"local mode, client, run, lease, stand = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7] == '1'\n" \
"if newest and not (string.match(newest, '^%d+$') and tonumber(newest) < 9007199254740991) then\n" \
"  return redis.error_reply('WRONGTYPE the fence is not a number that can grow')\n" \
"end\n" \
"local swept = sweep()\n" \
"if call('ZSCORE', holders, me) then return redis.error_reply('ERR held already') end\n" \
"local held = call('ZCARD', holders)\n" \
"local rank = call('ZRANK', queue, me)\n" \
"local free = held == 0 or (mode == 'R' and call('HGET', state, '!') == 'R')\n" \
"local i = 0\n" \
"while free do\n" \
"  local owner = call('ZRANGE', queue, i, i)[1]\n" \
"  if not owner or owner == me then break end\n" \
"  if mode == 'W' or mode_of(owner) == 'W' then free = false end\n" \
"  i = i + 1\n" \
"end\n" \
"if free then\n" \
"  local token = string.format('%.0f', math.max(tonumber(newest or 0) + 1, time[1] * 1000000 + time[2]))\n" \
"  call('SET', fence, token)\n" \
"  drop(me)\n" \
"  call('HSET', state, '!', mode, me, mode .. ' ' .. client .. ' ' .. run .. ' ' .. token)\n" \
"  call('ZADD', holders, now + lease, me)\n" \
"  if swept then wake() end\n" \
"  settle()\n" \
"  return { 1, token }\n" \
"end\n" \
"if stand then\n" \
"  if not rank then\n" \
"    local last = call('ZREVRANGE', queue, 0, 0, 'WITHSCORES')\n" \
"    call('ZADD', queue, (last[2] or 0) + 1, me)\n" \
"    rank = call('ZRANK', queue, me)\n" \
"  end\n" \
"  call('HSET', state, me, mode .. ' ' .. client .. ' ' .. run)\n" \
"  call('ZADD', places, now + lease, me)\n" \
"end\n" \
"if swept then wake() end\n" \
"if stand or swept then settle() end\n" \
"local before = rank\n" \
"if not rank then before = call('ZCARD', queue) end\n" \
"local found\n" \
"if before > 0 then\n" \
"  found = call('ZRANGE', queue, before - 1, before - 1)\n" \
"else\n" \
"  found = call('ZRANGE', holders, 0, 7)\n" \
"end\n" \
/* A place without an end, after an eviction of one key, would be kept for ever. */ \
"local ends = call('ZSCORE', before > 0 and places or holders, found[1])\n" \
"if not ends then drop(found[1]) end\n" \
"local answer = { 0, rank or -1, math.max((ends or now) - now, 0) }\n" \
"for _, owner in ipairs(found) do\n" \
"  answer[#answer + 1] = owner\n" \
"  answer[#answer + 1] = call('HGET', state, owner) or ''\n" \
"end\n" \
"return answer\n"

/* 1: renewed.  0: nothing was held any more. */
#define RENEW \
"local ends = call('ZSCORE', holders, me)\n" \
"if ends and tonumber(ends) > now then\n" \
"  call('ZADD', holders, now + ARGV[3], me)\n" \
"  settle()\n" \
"  return 1\n" \
"end\n" \
"return 0\n"

/* 1: it was held, and is free.  0: it was not held any more. */
#define GIVE \
"local ends = call('ZSCORE', holders, me)\n" \
"sweep()\n" \
"drop(me)\n" \
"wake()\n" \
"settle()\n" \
"return ends and tonumber(ends) > now and 1 or 0\n"

/* 1: the owner is no more.  0: the record is another by now. */
#define TAKE \
"if call('HGET', state, me) ~= ARGV[3] then return 0 end\n" \
"sweep()\n" \
"drop(me)\n" \
"wake()\n" \
"settle()\n" \
"return 1\n"

/* {place, record, place, record ...}: holders, in place 0, and the line. */
#define WHO \
"local answer, place = {}, 0\n" \
"local function tell(at, owner)\n" \
"  answer[#answer + 1] = at\n" \
"  answer[#answer + 1] = call('HGET', state, owner) or ''\n" \
"end\n" \
"for _, owner in ipairs(call('ZRANGEBYSCORE', holders, '(' .. now, '+inf')) do tell(0, owner) end\n" \
"for _, owner in ipairs(call('ZRANGE', queue, 0, -1)) do\n" \
"  if tonumber(call('ZSCORE', places, owner) or 0) > now then\n" \
"    place = place + 1\n" \
"    tell(place, owner)\n" \
"  end\n" \
"end\n" \
"return answer\n"

static const char *const texts[SCRIPTS] = {
	[SCRIPT_ASK] = COMMON ASK,
	[SCRIPT_RENEW] = COMMON RENEW,
	[SCRIPT_GIVE] = COMMON GIVE,
	[SCRIPT_TAKE] = COMMON TAKE,
	[SCRIPT_WHO] = COMMON WHO,
};

static int
load(struct connection *c, const char *text, char sha[41])
{
	const char *const words[] = { "SCRIPT", "LOAD", text, NULL };
	redisReply *reply = NULL; /* for compilers, which believe in an errno of 0 */
	int r = ipclock__redis_say(c, &reply, words);

	if (r)
		return r;
	if (reply->type == REDIS_REPLY_STRING && reply->len == 40)
		memcpy(sha, reply->str, 41);
	else
		r = EPROTO;
	freeReplyObject(reply);
	return r;
}

static int
evaluate(struct connection *c, const char *command, const char *script, struct command *words, redisReply **reply)
{
	size_t len[KEYS_AT] = { strlen(command), strlen(script), 1 };
	int r = c->asking ? ipclock__redis_say(c, NULL, (const char *const[]){ "ASKING", NULL }) : 0;

	if (r)
		return r;
	words->argv[0] = command;
	words->argv[1] = script;
	words->argv[2] = "5";
	memcpy(words->len, len, sizeof(len));
	return ipclock__redis_command(c, words, reply);
}

/* A server that was told to forget its scripts, or started anew, is sent the text, which it then keeps. */
int
ipclock__redis_run(struct connection *c, struct scripts *scripts, enum script which, struct command *words,
    redisReply **reply)
{
	char *sha = scripts->sha[which];
	int r = *sha ? 0 : load(c, texts[which], sha);

	if (r == 0)
		r = evaluate(c, "EVALSHA", sha, words, reply);
	if ((r == ENOENT || r == EACCES) && ipclock__redis_connected(c))
		r = evaluate(c, "EVAL", texts[which], words, reply);
	return r;
}
