/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The protocol "portalocker", that of RedisLock in Python's portalocker 2: a lock
 * is held by the one subscriber of a channel.  Who finds it held sends a ping, which
 * a holder answers on the channel that the ping names; one that does not is killed.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"

#define PATIENCE_MS 1000 /* with a holder that does not answer; portalocker's unavailable_timeout */
#define TEXT_SIZE   2048
#define MOST_PINGS  1000 /* in one call */
#define SPREAD_PERCENT 50 /* of the pause after two met */

bool
ipclock__portalocker_name_fits(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return i <= MOST_CHANNEL;
}

/* ---- who is there ---- */

static int
count_subscribers(struct ipclock_redis *r, long long *n)
{
	redisReply *reply;
	int error = ipclock__redis_say(&r->commands, &reply, (const char *const[]){ "PUBSUB", "NUMSUB", r->name, NULL });

	if (error)
		return error;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[1]->type == REDIS_REPLY_INTEGER)
		*n = reply->element[1]->integer;
	else
		error = EPROTO;
	freeReplyObject(reply);
	return error;
}

/* Those that have the holder's name; not one that comes after the ping. */
static int
list_suspects(struct ipclock_redis *r)
{
	char name[MOST_CHANNEL + 16];
	redisReply *reply;
	const char *line, *end, *found;
	int error = ipclock__redis_say(&r->commands, &reply,
	    (const char *const[]){ "CLIENT", "LIST", "TYPE", "pubsub", NULL });

	if (error)
		return error;
	snprintf(name, sizeof(name), " name=%s-lock ", r->name);
	r->suspects = 0;
	for (line = reply->str; line && *line && r->suspects < MOST_SUSPECTS; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		found = strstr(line, name);
		if (found && found < end && sscanf(line, "id=%" SCNd64, &r->suspect[r->suspects]) == 1)
			r->suspects++;
	}
	freeReplyObject(reply);
	return 0;
}

/* ---- pings ---- */

static char *
quote(char *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
	return to;
}

/* The text behind "response_channel", if there is one that fits. */
static bool
find_response_channel(const char *json, char *to, size_t size)
{
	const char *at = strstr(json, "\"response_channel\"");
	size_t n = 0;

	at = at ? strchr(at + strlen("\"response_channel\""), '"') : NULL;
	if (!at)
		return false;
	for (at++; *at && *at != '"' && n + 1 < size; at++) {
		if (*at == '\\' && !*++at)
			return false;
		to[n++] = *at;
	}
	to[n] = '\0';
	return *at == '"' && n > 0;
}

static int
ping(struct ipclock_redis *r)
{
	char text[TEXT_SIZE], *at = text;
	int error = list_suspects(r);

	if (error)
		return error;
	at += sprintf(at, "{\"response_channel\": \"");
	at = quote(at, r->lease.own_channel);
	strcpy(at, "\", \"message\": \"ping\"}");
	r->pinged = ipclock__os_redis_now();
	r->answered = false;
	return ipclock__redis_say(&r->commands, NULL, (const char *const[]){ "PUBLISH", r->name, text, NULL });
}

static int
kill_suspects(struct ipclock_redis *r)
{
	char id[24];
	int i, error = 0;

	for (i = 0; error == 0 && i < r->suspects; i++) {
		snprintf(id, sizeof(id), "%" PRId64, r->suspect[i]);
		error = ipclock__redis_say(&r->commands, NULL, (const char *const[]){ "CLIENT", "KILL", "ID", id, NULL });
	}
	r->pinged = 0;
	r->next_ask = 0;
	return error;
}

/* A holder that answers is asked again after a while; *killed: there may be none now. */
static int
check_holder(struct ipclock_redis *r)
{
	if (!r->listening)
		return 0;
	if (r->pinged == 0)
		return ping(r);
	if (ipclock__os_redis_now() < r->pinged + PATIENCE_MS * OS_MS)
		return 0;
	return r->answered ? ping(r) : kill_suspects(r);
}

void
ipclock__portalocker_heard(struct ipclock_redis *r, const redisReply *reply)
{
	const char *kind = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 ? reply->element[0]->str : NULL;

	if (kind && strcmp(kind, "subscribe") == 0) {
		r->listening = true;
		r->pinged = 0;
		r->next_ask = 0;
	} else if (kind && strcmp(kind, "message") == 0)
		r->answered = true;
}

/* ---- holding ---- */

static bool
answer(struct ipclock_redis *r, const redisReply *reply)
{
	char channel[TEXT_SIZE];

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 || !reply->element[2]->str ||
	    !find_response_channel(reply->element[2]->str, channel, sizeof(channel)))
		return true;
	ipclock__redis_say(&r->commands, NULL, (const char *const[]){ "PUBLISH", channel, "1", NULL });
	return ipclock__redis_connected(&r->commands);
}

bool
ipclock__portalocker_serve(struct ipclock_redis *r)
{
	redisReply *reply;
	bool can_answer = true;
	int left;

	for (left = MOST_PINGS; left > 0 && can_answer && ipclock__redis_receive(&r->channel, 0, &reply) == 0; left--) {
		can_answer = answer(r, reply);
		freeReplyObject(reply);
	}
	return can_answer && ipclock__redis_connected(&r->channel);
}

bool
ipclock__portalocker_renew(struct ipclock_redis *r)
{
	const char *const words[] = { "PING", NULL };

	return ipclock__redis_say(&r->commands, NULL, words) == 0 && ipclock__redis_send(&r->channel, words) == 0 &&
	    ipclock__portalocker_serve(r);
}

int
ipclock__portalocker_give(struct ipclock_redis *r)
{
	redisReply *reply;
	int64_t until = ipclock__os_redis_now() + r->attr.command_ms * OS_MS;
	int error = ipclock__redis_send(&r->channel, (const char *const[]){ "UNSUBSCRIBE", r->name, NULL });
	bool done = false;

	while (error == 0 && !done) {
		error = ipclock__os_redis_now() < until ? ipclock__redis_receive(&r->channel, until, &reply) : EAGAIN;
		if (error)
			break;
		done = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 && reply->element[0]->str &&
		    strcmp(reply->element[0]->str, "unsubscribe") == 0;
		freeReplyObject(reply);
	}
	ipclock__redis_disconnect(&r->channel);
	return error == ECONNRESET ? ESTALE : error == EAGAIN ? ETIMEDOUT : error;
}

static int
subscribe(struct ipclock_redis *r)
{
	char name[MOST_CHANNEL + 16];
	redisReply *reply;
	int error = ipclock__session_open(r, &r->channel);

	if (error)
		return error;
	snprintf(name, sizeof(name), "%s-lock", r->name);
	error = ipclock__redis_say(&r->channel, NULL, (const char *const[]){ "CLIENT", "SETNAME", name, NULL });
	if (error == 0)
		error = ipclock__redis_say(&r->channel, &reply, (const char *const[]){ "SUBSCRIBE", r->name, NULL });
	if (error == 0)
		freeReplyObject(reply);
	return error;
}

/* The one subscriber holds; where two came at once, both go. */
static int
claim(struct ipclock_redis *r)
{
	long long n = 0;
	int error = subscribe(r);

	if (error == 0)
		error = count_subscribers(r, &n);
	if (error || n == 1) {
		if (error)
			ipclock__redis_disconnect(&r->channel);
		return error;
	}
	ipclock__portalocker_give(r);
	return EBUSY;
}

/* Those who met in a claim would meet in the next one, too. */
static int64_t
next_pause(struct ipclock_redis *r, bool met)
{
	struct backoff backoff = r->attr.backoff;

	if (met && backoff.jitter_percent < SPREAD_PERCENT)
		backoff.jitter_percent = SPREAD_PERCENT;
	return ipclock__backoff_pause(&backoff, r->pauses++, &r->seed) * OS_MS;
}

int
ipclock__portalocker_ask(struct ipclock_redis *r)
{
	long long n = 0;
	int error = count_subscribers(r, &n);

	if (error)
		return error;
	if (n == 0)
		error = claim(r);
	if (error == 0 && n == 0) {
		ipclock__hold_for_ever(r);
		return 0;
	}
	if (error && error != EBUSY)
		return error;
	r->next_ask = ipclock__os_redis_now() + next_pause(r, n == 0);
	error = n > 0 ? check_holder(r) : 0;
	return error ? error : EBUSY;
}
