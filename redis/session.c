/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stdlib.h>
#include <string.h>

#include "handle.h"

static struct ipclock_redis *all; /* under the process lock */
static bool hooked;

/* ---- forks ---- */

static void
close_copy(struct connection *c)
{
	if (!c->context)
		return;
	ipclock__os_redis_close(c->context->fd);
	c->context->fd = -1;
}

/* A socket kept open by a child would let a dead parent seem alive. */
static void
in_child(void)
{
	struct ipclock_redis *r;

	for (r = all; r; r = r->next) {
		close_copy(&r->commands);
		close_copy(&r->news);
		close_copy(&r->channel);
		ipclock__os_redis_mutex_make(&r->mutex);
		atomic_store(&r->ends, 0);
		atomic_store(&r->token, 0);
		r->forked = true;
	}
}

/* A helper thread may have been at work on a connection: what is half done is left lying. */
void
ipclock__session_adopt(struct ipclock_redis *r)
{
	if (!r->forked)
		return;
	if (r->threaded) {
		ipclock__os_redis_thread_forget(&r->thread);
		r->commands.context = r->news.context = r->channel.context = NULL;
	}
	r->threaded = r->stop = r->forked = r->tell = false;
	r->cancelled = r->state == WAITING;
	r->state = FREE;
	ipclock__session_end(r);
}

/* ---- connections ---- */

void
ipclock__session_close(struct connection *c)
{
	ipclock__os_redis_process_lock();
	ipclock__redis_disconnect(c);
	ipclock__os_redis_process_unlock();
}

void
ipclock__session_end(struct ipclock_redis *r)
{
	ipclock__session_close(&r->commands);
	ipclock__session_close(&r->news);
	ipclock__session_close(&r->channel);
}

int
ipclock__session_open(struct ipclock_redis *r, struct connection *c)
{
	struct connection made = { .context = NULL };
	int error;

	ipclock__session_close(c);
	error = ipclock__redis_connect(&made, &r->url, r->attr.connect_ms, r->attr.command_ms);
	ipclock__os_redis_process_lock();
	*c = made;
	ipclock__os_redis_process_unlock();
	return error;
}

int
ipclock__session_need(struct ipclock_redis *r)
{
	unsigned char random[16];
	int error;

	if (ipclock__redis_connected(&r->commands))
		return 0;
	error = ipclock__os_redis_random(random, sizeof(random));
	if (error)
		return error;
	ipclock__lease_begin(&r->lease, random);
	memcpy(&r->seed, random, sizeof(r->seed));
	ipclock__session_close(&r->news); /* of another owner */
	r->fresh = true;
	return ipclock__session_open(r, &r->commands);
}

int
ipclock__session_listen(struct ipclock_redis *r)
{
	const char *const words[] = { "SUBSCRIBE", r->lease.own_channel, NULL };
	int error = 0;

	if (ipclock__redis_connected(&r->news))
		return 0;
	r->listening = false;
	error = ipclock__session_open(r, &r->news);
	return error ? error : ipclock__redis_send(&r->news, words);
}

/* ---- the list of handles ---- */

int
ipclock__session_make(struct ipclock_redis *r)
{
	int error = 0;

	ipclock__os_redis_process_lock();
	if (!hooked)
		error = ipclock__os_redis_at_fork(in_child);
	if (error == 0) {
		hooked = true;
		r->next = all;
		all = r;
	}
	ipclock__os_redis_process_unlock();
	return error;
}

void
ipclock__session_free(struct ipclock_redis *r)
{
	struct ipclock_redis **at;

	ipclock__session_end(r);
	ipclock__os_redis_process_lock();
	for (at = &all; *at && *at != r; at = &(*at)->next)
		;
	if (*at)
		*at = r->next;
	ipclock__os_redis_process_unlock();
}
