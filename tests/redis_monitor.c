/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "redis_monitor.h"
#include "redis_server.h"
#include "support.h"

enum {
	MOST_OWNERS = 1 << 17, /* each connection is another one */
	MOST_ACTIVE = 1024,
	MOST_WORDS = 20,
	MARGIN_US = 200000,    /* between the time of a line and the time that the script read */
};

enum kind { NONE, ASK, RENEW, GIVE, TAKE };

struct owner {
	char id[40];
	char mode;
	bool holds, taken;
	long arrived;      /* its number in the line as we count; 0: not in it */
	int64_t until_us;  /* what it holds, or its place */
};

static struct owner owners[MOST_OWNERS], *active[MOST_ACTIVE];
static int active_count;
static long arrivals;

/* The script that runs: what it does follows in lines of its own. */
static struct {
	enum kind kind;
	struct owner *owner;
	int64_t time_us, lease_us;
	long arrived;
	char mode;
	bool stand, ran, granted, queued;
} now;

/* Owners are random numbers in hexadecimal. */
static struct owner *
find(const char *id)
{
	char digits[9] = "";
	unsigned long at;

	strncpy(digits, id, 8);
	for (at = strtoul(digits, NULL, 16) % MOST_OWNERS; *owners[at].id; at = (at + 1) % MOST_OWNERS)
		if (strcmp(owners[at].id, id) == 0)
			return &owners[at];
	snprintf(owners[at].id, sizeof(owners[at].id), "%s", id);
	return &owners[at];
}

static int
place_of(const struct owner *o)
{
	int i;

	for (i = 0; i < active_count && active[i] != o; i++)
		;
	return i;
}

static void
activate(struct owner *o)
{
	if (place_of(o) < active_count)
		return;
	if (active_count == MOST_ACTIVE)
		abort();
	active[active_count++] = o;
}

static void
removed(struct monitor *m, struct owner *o)
{
	int at = place_of(o);

	if (at == active_count)
		return;
	m->put_out += o != now.owner && o->until_us > now.time_us + MARGIN_US;
	o->taken = o == now.owner && now.kind == TAKE;
	o->holds = false;
	o->arrived = 0;
	active[at] = active[--active_count];
}

static void
granted(struct monitor *m)
{
	struct owner *me = now.owner;
	int i;

	m->grants++;
	m->waited += now.arrived > 0;
	for (i = 0; i < active_count; i++) {
		struct owner *o = active[i];

		if (o == me || o->until_us < now.time_us + MARGIN_US || (now.mode == 'R' && o->mode == 'R'))
			continue;
		if (o->holds)
			m->beside++;
		else
			m->passed += now.arrived == 0 || o->arrived < now.arrived;
	}
	now.granted = me->holds = true;
	me->arrived = 0;
	me->mode = now.mode;
	me->until_us = now.time_us + now.lease_us;
	activate(me);
}

/* All that the last script did is known. */
static void
finish(struct monitor *m)
{
	struct owner *me = now.owner;

	if (now.kind == ASK && now.ran && !now.granted && now.stand) {
		if (now.queued && now.arrived > 0 && me->until_us > now.time_us + MARGIN_US)
			m->put_out++;
		me->arrived = now.arrived > 0 && !now.queued ? now.arrived : ++arrivals;
		me->mode = now.mode;
		me->until_us = now.time_us + now.lease_us;
		activate(me);
	}
	now.kind = NONE;
}

/* EVALSHA hash 5 five-keys owner channel ...: what follows tells which script it is. */
static void
begin(struct monitor *m, char **word, int n, int64_t time_us)
{
	const char *third = n > 10 ? word[10] : "";

	memset(&now, 0, sizeof(now));
	now.time_us = time_us;
	now.owner = find(word[8]);
	now.arrived = now.owner->arrived;
	if (strcmp(third, "R") == 0 || strcmp(third, "W") == 0) {
		now.kind = ASK;
		now.mode = *third;
		now.lease_us = atoll(word[13]) * 1000;
		now.stand = strcmp(word[14], "1") == 0;
	} else if (strchr(third, ' ') != NULL)
		now.kind = TAKE;
	else {
		now.kind = *third ? RENEW : GIVE;
		now.lease_us = atoll(third) * 1000;
	}
	m->taken_alive += now.kind != TAKE && now.owner->taken;
	now.owner->taken = now.owner->taken && now.kind == TAKE;
}

static void
did(struct monitor *m, char **word, int n)
{
	uint64_t token;

	now.ran = true;
	if (n > 2 && strcmp(word[0], "ZREM") == 0 && (strcmp(word[1], QUEUE) == 0 || strcmp(word[1], HOLDERS) == 0))
		removed(m, find(word[2]));
	else if (n > 3 && strcmp(word[0], "ZADD") == 0 && strcmp(word[1], QUEUE) == 0)
		now.queued = true;
	else if (n > 3 && strcmp(word[0], "ZADD") == 0 && strcmp(word[1], HOLDERS) == 0) {
		if (now.kind == ASK)
			granted(m);
		else
			now.owner->until_us = now.time_us + now.lease_us;
	} else if (n > 2 && strcmp(word[0], "SET") == 0 && strcmp(word[1], FENCE) == 0) {
		token = strtoull(word[2], NULL, 10);
		m->steps_back += token <= m->newest;
		m->newest = token;
	}
}

/* TIME [DB FROM] "WORD" "WORD" ... */
static int
split(char *line, char **word)
{
	char *at = strstr(line, "] ");
	int n = 0;

	for (at = at ? at + 2 : line + strlen(line); *at == '"' && n < MOST_WORDS; n++) {
		word[n] = ++at;
		while (*at && *at != '"')
			at += at[0] == '\\' && at[1] ? 2 : 1;
		if (*at)
			*at++ = '\0';
		at += *at == ' ';
	}
	return n;
}

/* false: that was all. */
static bool
hear(struct monitor *m, char *line)
{
	bool inside = strstr(line, " lua] ") != NULL;
	long long s = 0, us = 0;
	char *word[MOST_WORDS];
	int n;

	sscanf(line, "%lld.%lld", &s, &us);
	n = split(line, word);
	if (inside && now.kind != NONE) {
		did(m, word, n);
		return true;
	}
	finish(m);
	if (n > 9 && strncmp(word[0], "EVAL", 4) == 0 && strcmp(word[3], STATE) == 0)
		begin(m, word, n, s * 1000000 + us);
	return n != 2 || strcmp(word[0], "ECHO") != 0 || strcmp(word[1], "all") != 0;
}

int
monitor_lock(struct monitor *m)
{
	redisContext *c = redisConnectUnix(test_file("s"));
	redisReply *reply = NULL;
	bool more = c != NULL && c->err == 0;

	/* A user of its own, so that it can be spared where connections are cut. */
	if (more)
		more = redisAppendCommand(c, "AUTH monitor monitor") == REDIS_OK && redisAppendCommand(c, "MONITOR") == REDIS_OK;
	while (more) {
		if (redisGetReply(c, (void **)&reply) != REDIS_OK || reply->type != REDIS_REPLY_STATUS)
			return 1;
		more = hear(m, reply->str);
		freeReplyObject(reply);
	}
	redisFree(c);
	return 0;
}
