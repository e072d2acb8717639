/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "os_socket.h"

static struct ipclock_redis *all; /* under the process lock */
static bool hooked;

/* ---- forks ---- */

/* A socket kept open by a child would let a dead parent seem alive. */
static void
in_child(void)
{
	struct ipclock_redis *r;

	ipclock__redis_os_forget_searches();
	for (r = all; r; r = r->next) {
		ipclock__redis_close_copy(&r->commands);
		ipclock__redis_close_copy(&r->news);
		ipclock__redis_close_copy(&r->channel);
		ipclock__os_redis_mutex_make(&r->mutex);
		atomic_store(&r->ends, 0);
		atomic_store(&r->token, 0);
		r->torn = atomic_exchange(&r->busy, false) || r->torn;
		r->forked = true;
	}
}

/* A thread may have been at work on a connection: what is half done is left lying. */
void
ipclock__session_adopt(struct ipclock_redis *r)
{
	if (!r->forked)
		return;
	if (r->threaded)
		ipclock__os_redis_thread_forget(&r->thread);
	if (r->torn) {
		ipclock__redis_abandon(&r->commands);
		ipclock__redis_abandon(&r->news);
		ipclock__redis_abandon(&r->channel);
	}
	r->threaded = r->stop = r->forked = r->torn = r->tell = false;
	r->cancelled = r->state == WAITING;
	r->state = FREE;
	ipclock__session_end(r);
}

void
ipclock__session_lock(struct ipclock_redis *r)
{
	ipclock__os_redis_lock(&r->mutex);
	atomic_store(&r->busy, true);
	r->limit = r->state == HELD ? atomic_load(&r->ends) : OS_NEVER;
}

void
ipclock__session_unlock(struct ipclock_redis *r)
{
	atomic_store(&r->busy, false);
	ipclock__os_redis_unlock(&r->mutex);
}

/* ---- connections ---- */

void
ipclock__session_end(struct ipclock_redis *r)
{
	ipclock__redis_disconnect(&r->commands);
	ipclock__redis_disconnect(&r->news);
	ipclock__redis_disconnect(&r->channel);
}

static int
log_in(struct ipclock_redis *r, struct connection *c, const struct url *url)
{
	char *const *text = r->attr.text;
	const struct os_tls_files files = { text[AUTHORITIES], text[CERTIFICATE], text[KEY], &r->store };
	bool own = url->password;

	ipclock__redis_disconnect(c);
	c->command_ms = r->attr.command_ms;
	c->limit = &r->limit;
	return ipclock__redis_connect(c, url, &files, own || url->user ? url->user : text[USER],
	    own ? url->password : text[PASSWORD], r->attr.connect_ms);
}

int
ipclock__session_open(struct ipclock_redis *r, struct connection *c)
{
	return log_in(r, c, r->node.text ? &r->node : &r->urls.url[r->at]);
}

/* The connection for commands; left: of how many servers it is the first that may be tried, which share the time. */
static int
try_server(struct ipclock_redis *r, const struct url *url, int left)
{
	int64_t limit = r->limit, now = ipclock__os_redis_now();
	int64_t longest = now + r->attr.connect_ms * OS_MS + r->attr.command_ms * OS_MS;
	int64_t share = limit == OS_NEVER ? longest : now + (limit - now) / left;
	int error;

	r->limit = share < longest ? share : longest;
	error = log_in(r, &r->commands, url);
	if (error == 0)
		error = ipclock__redis_introduce(&r->commands);
	r->limit = limit;
	return error;
}

/* Which of several servers it was that refused. */
static void
name_server(struct ipclock_redis *r)
{
	const struct url *url = &r->urls.url[r->at];
	char reason[MOST_REASON];

	if (r->urls.count == 1)
		return;
	memcpy(reason, r->commands.reason, sizeof(reason));
	if (url->path)
		snprintf(r->commands.reason, MOST_REASON, "%.100s: %.200s", url->path, reason);
	else
		snprintf(r->commands.reason, MOST_REASON, "%.100s:%d: %.200s", url->host, url->port, reason);
}

static int
search(struct ipclock_redis *r)
{
	int error = EINVAL;

	for (r->at = 0; r->at < r->urls.count; r->at++) {
		error = try_server(r, &r->urls.url[r->at], r->urls.count - r->at);
		if (error == 0)
			return 0;
		name_server(r);
	}
	r->at = 0;
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
	ipclock__redis_disconnect(&r->news); /* of another owner */
	r->fresh = true;
	if (r->node.text && try_server(r, &r->node, 2) == 0)
		return 0;
	ipclock__redis_url_free(&r->node);
	return search(r);
}

static bool
says(const struct ipclock_redis *r, const char *word)
{
	return strncmp(r->commands.reason, word, strlen(word)) == 0;
}

/* Where ASK sends us there are all keys, or none yet; here there are none. */
static bool
sent_on(const struct ipclock_redis *r, int error)
{
	return error == EAGAIN && (says(r, "MOVED ") || says(r, "ASK "));
}

bool
ipclock__session_misled(const struct ipclock_redis *r, int error)
{
	return error == EROFS || sent_on(r, error);
}

bool
ipclock__session_between(const struct ipclock_redis *r, int error)
{
	return error == EAGAIN && says(r, "TRYAGAIN ");
}

/* Remembers where the node has sent us. */
static bool
follow(struct ipclock_redis *r)
{
	const struct url *told = r->node.text ? &r->node : &r->urls.url[r->at];
	struct url node;

	if (ipclock__redis_url_follow(&node, r->commands.reason, told) != 0)
		return false;
	ipclock__redis_url_free(&r->node);
	r->node = node;
	return true;
}

/* A server that is new to us is asked again only if it sends us elsewhere. */
bool
ipclock__session_retry(struct ipclock_redis *r, int error)
{
	bool ended = !ipclock__redis_connected(&r->commands) && error != ETIMEDOUT && error != EPROTO;

	if (sent_on(r, error)) {
		if (!follow(r))
			return false;
	} else if (r->fresh || (!ended && error != EROFS))
		return false;
	else if (error == EROFS)
		ipclock__redis_url_free(&r->node);
	ipclock__session_end(r);
	return true;
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
	ipclock__redis_url_free(&r->node);
	ipclock__os_redis_process_lock();
	ipclock__redis_os_tls_store_free(r->store);
	for (at = &all; *at && *at != r; at = &(*at)->next)
		;
	if (*at)
		*at = r->next;
	ipclock__os_redis_process_unlock();
}
