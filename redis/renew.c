/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>

#include "handle.h"

static int64_t
lease_of(const struct ipclock_redis *r)
{
	return r->attr.lease_ms * OS_MS;
}

/* The lease is counted from before it was asked for: here it ends no later than on the server. */
static void
count_from(struct ipclock_redis *r, int64_t asked)
{
	r->due = asked + lease_of(r) / 3;
	atomic_store(&r->ends, asked + lease_of(r));
}

void
ipclock__hold(struct ipclock_redis *r, uint64_t token, int64_t asked)
{
	r->state = HELD;
	atomic_store(&r->token, token);
	count_from(r, asked);
	if (r->threaded)
		ipclock__os_redis_thread_ring(&r->thread);
}

void
ipclock__hold_for_ever(struct ipclock_redis *r)
{
	r->state = HELD;
	r->due = OS_NEVER;
	atomic_store(&r->ends, OS_NEVER);
	if (r->threaded)
		ipclock__os_redis_thread_ring(&r->thread);
}

int
ipclock__give(struct ipclock_redis *r)
{
	if (r->by_channel)
		return r->state == HELD ? ipclock__portalocker_give(r) : 0;
	return ipclock__lease_give(&r->lease);
}

void
ipclock__let_go(struct ipclock_redis *r)
{
	r->state = FREE;
	atomic_store(&r->ends, 0);
	atomic_store(&r->token, 0);
}

/* The connection goes with the lock, so that nobody waits for a lease that we do not believe in any more. */
void
ipclock__lose(struct ipclock_redis *r)
{
	ipclock__let_go(r);
	r->state = LOST;
	r->tell = true;
	ipclock__session_end(r);
}

int
ipclock__held_fd(const struct ipclock_redis *r)
{
	return r->state == HELD ? ipclock__redis_fd(r->by_channel ? &r->channel : &r->commands) : -1;
}

/* Nobody asked: there is nothing to read, but the end of the connection. */
static bool
connection_has_ended(struct ipclock_redis *r)
{
	redisReply *reply;

	if (ipclock__redis_receive(&r->commands, 0, &reply) == 0)
		freeReplyObject(reply);
	return !ipclock__redis_connected(&r->commands);
}

static bool
is_over(const struct ipclock_redis *r)
{
	return ipclock__os_redis_now() >= atomic_load(&r->ends);
}

bool
ipclock__is_lost(struct ipclock_redis *r)
{
	if (r->state == HELD && is_over(r))
		ipclock__lose(r);
	if (r->state == HELD && (r->by_channel ? !ipclock__portalocker_serve(r) : connection_has_ended(r)))
		ipclock__lose(r);
	return r->state == LOST;
}

/* Others take over at once from who has no connection, or one to a server that is not the lock's any more. */
bool
ipclock__loses(const struct ipclock_redis *r, int error)
{
	return error == ESTALE || error == ECONNRESET || error == ENOTCONN || ipclock__session_misled(r, error);
}

int
ipclock__renew(struct ipclock_redis *r)
{
	int64_t asked = ipclock__os_redis_now();
	int error;

	if (r->by_channel && !ipclock__portalocker_renew(r))
		ipclock__lose(r);
	if (r->by_channel)
		return r->state == LOST ? ESTALE : 0;
	error = ipclock__lease_renew(&r->lease);
	if (is_over(r)) /* as was said to who asked meanwhile */
		ipclock__lose(r);
	else if (error == 0)
		count_from(r, asked);
	else if (ipclock__loses(r, error) || !ipclock__redis_connected(&r->commands))
		ipclock__lose(r);
	else
		r->due = ipclock__os_redis_now() + lease_of(r) / 10;
	return ipclock__is_lost(r) ? ESTALE : error;
}

void
ipclock__tell_loss(struct ipclock_redis *r)
{
	void (*lost)(void *ctx);
	void *ctx;

	ipclock__session_lock(r);
	lost = r->tell ? r->lost : NULL;
	ctx = r->ctx;
	r->tell = false;
	ipclock__session_unlock(r);
	if (lost)
		lost(ctx);
}

/* ---- the thread ---- */

static void
look_after(struct ipclock_redis *r)
{
	if (r->state == HELD && !ipclock__is_lost(r) && ipclock__os_redis_now() >= r->due)
		ipclock__renew(r);
}

static void
keep_renewing(void *arg)
{
	struct ipclock_redis *r = arg;

	for (;;) {
		int64_t until = OS_NEVER;
		bool stop;
		int fd;

		ipclock__session_lock(r);
		stop = r->stop;
		if (!stop)
			look_after(r);
		fd = ipclock__held_fd(r);
		if (r->state == HELD)
			until = r->due < atomic_load(&r->ends) ? r->due : atomic_load(&r->ends);
		ipclock__session_unlock(r);
		if (stop)
			return;
		ipclock__tell_loss(r);
		ipclock__os_redis_thread_wait(&r->thread, fd, until);
	}
}

int
ipclock__renewing_start(struct ipclock_redis *r)
{
	int error;

	if (r->threaded)
		return 0;
	r->stop = false;
	error = ipclock__os_redis_thread_start(&r->thread, keep_renewing, r);
	r->threaded = error == 0;
	return error;
}

/* Without the mutex. */
void
ipclock__renewing_stop(struct ipclock_redis *r)
{
	if (!r->threaded)
		return;
	ipclock__session_lock(r);
	r->stop = true;
	ipclock__session_unlock(r);
	ipclock__os_redis_thread_ring(&r->thread);
	ipclock__os_redis_thread_join(&r->thread);
	r->threaded = false;
}
