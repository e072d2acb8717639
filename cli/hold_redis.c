/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A lock on a server: --redis.  It is a lease, which we renew, and when it is lost the command is ended. */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis_attr.h"
#include "waiting.h"

static int
open_redis(struct hold *h, struct ipclock_attr *unused)
{
	const struct options *o = h->options;
	struct ipclock_redis_attr *attr;
	int error = redis_attr_new(&attr);

	(void)unused;
	if (error != 0)
		return error;
	error = ipclock_redis_attr_set_lease(attr, o->lease_ms);
	if (error == 0 && o->paced)
		error = ipclock_redis_attr_set_backoff(attr, o->step_ms, o->max_ms);
	if (error == 0)
		error = ipclock_redis_open(&h->redis, o->redis, o->file, attr);
	ipclock_redis_attr_free(attr);
	return error;
}

/* The command hears what to show to the store. */
static int
pass_token(struct ipclock_redis *r)
{
	uint64_t token;
	char number[24];
	int error = ipclock_redis_token(r, &token);

	if (error != 0)
		return error;
	snprintf(number, sizeof(number), "%" PRIu64, token);
	return setenv("IPCLOCK_TOKEN", number, 1) == 0 ? 0 : errno;
}

/* As for a lock on a file. */
static int
acquire(struct hold *h, int timeout_ms)
{
	int ms, error = h->options->mode == MODE_READ ? ipclock_redis_start_read(h->redis, timeout_ms) :
	    ipclock_redis_start_write(h->redis, timeout_ms);

	while (error == EINPROGRESS) {
		error = ipclock_redis_step(h->redis, &ms);
		if (error == EINPROGRESS)
			error = waiting_pause(h->wait, ipclock_redis_pollfd(h->redis), ms);
	}
	if (error == EINTR)
		ipclock_redis_cancel(h->redis);
	return error == 0 ? pass_token(h->redis) : error;
}

/* NULL: what could not be opened. */
static const char *
message(struct hold *h)
{
	return ipclock_redis_message(h->redis);
}

/* A command that does not end by itself is killed a third of a lease later. */
static int
touch(void *hold)
{
	struct hold *h = hold;

	if (h->lost)
		return SIGKILL;
	if (ipclock_redis_renew(h->redis) == 0 || ipclock_redis_held(h->redis))
		return 0;
	hold_lose(h);
	return SIGTERM;
}

static int
watch(void *hold)
{
	struct hold *h = hold;

	return ipclock_redis_pollfd(h->redis);
}

static void
close_redis(struct hold *h)
{
	int error = h->lost ? 0 : ipclock_redis_release(h->redis);

	if (error != 0 && error != EPERM) {
		complain("%s", message(h));
		h->lost = true;
	}
	ipclock_redis_close(h->redis);
}

const struct hold_kind hold_redis = {
	.otherwise = STATUS_LOCK,
	.open = open_redis,
	.acquire = acquire,
	.message = message,
	.touch = touch,
	.watch = watch,
	.close = close_redis,
};
