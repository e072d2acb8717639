/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * One request.  The server says whose turn it is; a waiter asks when it is woken
 * and, in case that was missed, after a pause.  Each time it looks whether who
 * is in its way is still connected.
 */

#include <errno.h>
#include <limits.h>

#include "handle.h"

/* The pause grows with the number in the line: who is far behind need not look so often. */
#define MOST_PATIENCE 10

/* So many of the dead are cleared away before others have their say: by who waits, and by who asks once. */
#define FEW_DEAD  4
#define MOST_DEAD 4096

/* Whoever floods us with news does not keep us from asking. */
#define MOST_NEWS 64

/* The last answer, and the word that we leave, may come so much after the deadline. */
#define GRACE_MS 250

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* With 0, to ask once, and without a deadline each command has its own time. */
static int64_t
limit_of(const struct ipclock_redis *r)
{
	return r->deadline == OS_NEVER || r->once ? OS_NEVER : r->deadline + GRACE_MS * OS_MS;
}

static void
plan(struct ipclock_redis *r, const struct lease_answer *answer)
{
	int64_t pause = ipclock__backoff_pause(&r->attr.backoff, r->pauses, &r->seed);

	if (r->pauses < UINT_MAX)
		r->pauses++;
	if (answer->number > 0)
		pause *= earlier(answer->number + 1, MOST_PATIENCE);
	pause = earlier(pause, r->attr.lease_ms / 3); /* which keeps our place, too */
	pause = earlier(pause, answer->ends_ms + 1);
	r->next_ask = ipclock__os_redis_now() + pause * OS_MS;
}

/* A grant whose lease is over when we hear of it is worth nothing. */
static int
ask_lease(struct ipclock_redis *r, bool stand, struct lease_answer *answer)
{
	int64_t asked = ipclock__os_redis_now(), limit = r->limit;
	int error;

	r->limit = earlier(limit, asked + r->attr.lease_ms * OS_MS);
	error = ipclock__lease_ask(&r->lease, r->mode, stand, answer);
	r->limit = limit;
	if (error == 0 && answer->token)
		ipclock__hold(r, answer->token, asked);
	return error;
}

/* 0, EBUSY, or an error.  Asks again where somebody dead was in the way; who waits does so a few times at a step. */
static int
ask(struct ipclock_redis *r, bool stand)
{
	static const struct lease_answer unknown = { .ends_ms = INT_MAX };
	struct lease_answer answer;
	int error, left = stand ? FEW_DEAD : MOST_DEAD;
	bool taken;

	if (r->by_channel)
		return ipclock__portalocker_ask(r);
	do {
		taken = false;
		error = ask_lease(r, stand, &answer);
		if (error)
			break;
		if (!answer.token)
			error = ipclock__lease_take_over(&r->lease, &answer, &taken);
		if (error == 0 && !answer.token)
			plan(r, &answer);
		ipclock__lease_answered(&answer);
	} while (error == 0 && taken && --left > 0);
	if (error == 0 && taken)
		r->next_ask = 0;
	if (stand && ipclock__session_between(r, error))
		plan(r, &unknown);
	else if (error || answer.token)
		return error;
	return EBUSY;
}

/* A connection that ended, or led to a replica, while nothing was held is made anew; another node is followed to. */
static int
first_ask(struct ipclock_redis *r, bool stand)
{
	int error, tries = 0;

	r->fresh = false;
	do {
		error = ipclock__session_need(r);
		if (error)
			return error;
		error = ask(r, stand);
	} while (error && error != EBUSY && ++tries < MOST_TRIES && ipclock__session_retry(r, error));
	return error;
}

void
ipclock__wait_end(struct ipclock_redis *r)
{
	int error = 0;

	if (ipclock__redis_connected(&r->commands))
		error = ipclock__give(r);
	if (error && error != ESTALE)
		ipclock__session_end(r);
	r->state = FREE;
}

/* How it ended, or EINPROGRESS. */
static int
judge(struct ipclock_redis *r, int error)
{
	if (error == 0)
		return 0;
	if (error == EBUSY && ipclock__os_redis_now() < r->deadline)
		return EINPROGRESS;
	if (error == EBUSY)
		r->commands.reason[0] = '\0';
	ipclock__wait_end(r);
	return error == EBUSY ? ETIMEDOUT : error;
}

int
ipclock__wait_start(struct ipclock_redis *r, char mode, int timeout_ms)
{
	int64_t now = ipclock__os_redis_now();
	int error;

	r->mode = mode;
	r->pauses = 0;
	r->pinged = 0;
	r->deaf = false;
	r->once = timeout_ms == 0;
	r->deadline = timeout_ms < 0 ? OS_NEVER : now + timeout_ms * OS_MS;
	r->limit = limit_of(r);
	error = first_ask(r, timeout_ms != 0);
	if (timeout_ms == 0 && error == EBUSY)
		return EBUSY;
	if (error == EBUSY)
		r->state = WAITING;
	error = judge(r, error);
	if (error == EINPROGRESS)
		r->deaf = ipclock__session_listen(r) != 0;
	return error;
}

/* What the server pushed: whatever it is, it is time to ask. */
static void
hear(struct ipclock_redis *r, int64_t until)
{
	redisReply *reply;
	int left;

	for (left = MOST_NEWS; left > 0 && ipclock__redis_receive(&r->news, until, &reply) == 0; left--) {
		if (r->by_channel)
			ipclock__portalocker_heard(r, reply);
		else
			r->next_ask = 0;
		freeReplyObject(reply);
		until = 0;
	}
	r->deaf = !ipclock__redis_connected(&r->news);
}

static int
time_left(int64_t until)
{
	int64_t left = (until - ipclock__os_redis_now() + OS_MS - 1) / OS_MS;

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int
ipclock__wait_step(struct ipclock_redis *r, int *wait_ms)
{
	int64_t when;
	int error = EINPROGRESS;

	r->limit = limit_of(r);
	if (!r->deaf)
		hear(r, 0);
	when = earlier(r->next_ask, r->deadline);
	if (ipclock__os_redis_now() >= when)
		error = judge(r, ask(r, true));
	*wait_ms = error == EINPROGRESS ? time_left(earlier(r->next_ask, r->deadline)) : 0;
	return error;
}

int
ipclock__wait_run(struct ipclock_redis *r, char mode, int timeout_ms)
{
	int error = ipclock__wait_start(r, mode, timeout_ms), wait_ms;
	int64_t when;

	while (error == EINPROGRESS) {
		error = ipclock__wait_step(r, &wait_ms);
		when = earlier(r->next_ask, r->deadline);
		if (error == EINPROGRESS && r->deaf)
			ipclock__os_redis_sleep_until(when);
		else if (error == EINPROGRESS)
			hear(r, when);
	}
	return error;
}
