/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The public calls. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipclock-redis.h"

#include "handle.h"
#include "holders.h"

#define LONGEST_NAME 65536

static const char EXCLUSIVE_ONLY[] = "portalocker's protocol has writers only, no token, and does not tell who";

/* ---- around every call ---- */

static void
enter(struct ipclock_redis *r, struct os_redis_guard *guard)
{
	ipclock__os_redis_enter(guard);
	ipclock__session_adopt(r);
	ipclock__session_lock(r);
	r->commands.reason[0] = '\0';
}

/* The server's words go with the errors that came from it. */
static int
leave(struct ipclock_redis *r, const struct os_redis_guard *guard, const char *operation, const char *why, int error)
{
	if (!why && error != EBUSY && error != EINPROGRESS)
		why = r->commands.reason;
	ipclock__redis_outcome(&r->message, operation, r->name, why, error == EINPROGRESS ? 0 : error);
	ipclock__session_unlock(r);
	ipclock__tell_loss(r);
	ipclock__os_redis_leave(guard);
	return error;
}

static int
no_handle(const char *operation)
{
	return ipclock__redis_outcome(NULL, operation, NULL, "no lock: NULL", EINVAL);
}

/* ---- open and close ---- */

static void
free_handle(struct ipclock_redis *r)
{
	ipclock__lease_free(&r->lease);
	ipclock__redis_urls_free(&r->urls);
	ipclock__redis_attr_clear(&r->attr);
	ipclock__os_redis_mutex_free(&r->mutex);
	free(r->name);
	free(r);
}

/* A user of the URL without a password has that of the options. */
static const char *
wrong_user(const struct ipclock_redis *r)
{
	int i;

	for (i = 0; i < r->urls.count; i++)
		if (r->urls.url[i].user && !r->urls.url[i].password && !r->attr.text[PASSWORD])
			return "the URL has a user, and there is no password";
	return NULL;
}

static bool
wants_tls(const struct urls *urls)
{
	int i;

	for (i = 0; i < urls->count; i++)
		if (urls->url[i].tls)
			return true;
	return false;
}

static int
fill(struct ipclock_redis *r, const char *url, const char *name, const char **why)
{
	int error;

	r->lease.connection = &r->commands;
	r->lease.lease_ms = r->attr.lease_ms;
	r->name = malloc(strlen(name) + 1);
	if (!r->name)
		return ENOMEM;
	strcpy(r->name, name);
	r->by_channel = r->attr.protocol == IPCLOCK_REDIS_PORTALOCKER;
	if (r->by_channel && !ipclock__portalocker_name_fits(name)) {
		*why = "a channel of portalocker is 1 to 256 printable characters of ASCII, no space";
		return EINVAL;
	}
	error = ipclock__redis_urls_parse(&r->urls, url, why);
	if (error)
		return error;
	if (wants_tls(&r->urls) && !ipclock__redis_os_tls_built()) {
		*why = "built without TLS: no rediss://";
		return ENOTSUP;
	}
	*why = wrong_user(r);
	return *why ? EINVAL : ipclock__lease_make(&r->lease, r->attr.prefix, name);
}

static int
make(struct ipclock_redis **made, const char *url, const char *name, const struct ipclock_redis_attr *attr,
    const char **why)
{
	struct ipclock_redis *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return ENOMEM;
	error = ipclock__os_redis_mutex_make(&r->mutex);
	if (error) {
		free(r);
		return error;
	}
	r->limit = OS_NEVER;
	error = ipclock__redis_attr_copy(&r->attr, attr);
	if (error == 0)
		error = fill(r, url, name, why);
	if (error)
		free_handle(r);
	else
		*made = r;
	return error;
}

static int
connect_handle(struct ipclock_redis *r)
{
	int error = ipclock__session_make(r);

	return error ? error : ipclock__session_need(r);
}

static const char *
bad_argument(struct ipclock_redis **r, const char *url, const char *name)
{
	if (!r || !url)
		return r ? "no url: NULL" : "no place to put the handle: NULL";
	if (!name || !*name)
		return "a lock needs a name";
	return strlen(name) > LONGEST_NAME ? "the name is longer than 65536 bytes" : NULL;
}

int
ipclock_redis_open(struct ipclock_redis **r, const char *url, const char *name, const struct ipclock_redis_attr *attr)
{
	const char *why = bad_argument(r, url, name);
	struct ipclock_redis *made = NULL;
	struct os_redis_guard guard;
	int error;

	if (r)
		*r = NULL;
	if (why)
		return ipclock__redis_outcome(NULL, "open", name, why, EINVAL);
	ipclock__os_redis_enter(&guard);
	error = make(&made, url, name, attr, &why);
	if (error == 0)
		error = connect_handle(made);
	ipclock__redis_outcome(NULL, "open", name, made ? made->commands.reason : why, error);
	if (error && made) {
		ipclock__session_free(made);
		free_handle(made);
		made = NULL;
	}
	*r = made;
	ipclock__os_redis_leave(&guard);
	return error;
}

/* A connection that ends frees the lock as well: an error of the release is no error of the close. */
int
ipclock_redis_close(struct ipclock_redis *r)
{
	struct os_redis_guard guard;

	if (!r)
		return no_handle("close");
	ipclock__os_redis_enter(&guard);
	ipclock__session_adopt(r);
	ipclock__renewing_stop(r);
	ipclock__session_lock(r);
	if (r->state == HELD || r->state == WAITING)
		ipclock__wait_end(r);
	ipclock__session_unlock(r);
	ipclock__session_free(r);
	free_handle(r);
	ipclock__redis_outcome(NULL, NULL, NULL, NULL, 0);
	ipclock__os_redis_leave(&guard);
	return 0;
}

/* ---- acquire and release ---- */

static const char *const operations[] = { ['R'] = "read lock", ['W'] = "write lock" };

/* What stands in the way of a request; 0 if nothing does. */
static int
refuse(struct ipclock_redis *r, char mode, int timeout_ms, const char **why)
{
	*why = NULL;
	r->cancelled = false;
	if (timeout_ms < -1) {
		*why = "timeout_ms is below -1";
		return EINVAL;
	}
	if (r->by_channel && mode == 'R') {
		*why = EXCLUSIVE_ONLY;
		return ENOTSUP;
	}
	if (ipclock__is_lost(r)) {
		r->state = FREE;
		return ESTALE;
	}
	return r->state == HELD ? EDEADLK : 0;
}

static int
begin(struct ipclock_redis *r, char mode, int timeout_ms, bool stays)
{
	const char *operation = operations[(unsigned char)mode], *why;
	struct os_redis_guard guard;
	int error;

	if (!r)
		return no_handle(operation);
	enter(r, &guard);
	error = refuse(r, mode, timeout_ms, &why);
	if (error == 0 && r->state == WAITING) {
		why = stays ? "a wait is started already" : NULL;
		error = stays ? EINVAL : EINPROGRESS;
	} else if (error == 0)
		error = stays ? ipclock__wait_run(r, mode, timeout_ms) : ipclock__wait_start(r, mode, timeout_ms);
	return leave(r, &guard, operation, why, error);
}

int
ipclock_redis_acquire_read(struct ipclock_redis *r, int timeout_ms)
{
	return begin(r, 'R', timeout_ms, true);
}

int
ipclock_redis_acquire_write(struct ipclock_redis *r, int timeout_ms)
{
	return begin(r, 'W', timeout_ms, true);
}

/* After an error the connection is ended, so that the server frees what we do not hold any more. */
static int
release(struct ipclock_redis *r)
{
	int error;

	if (ipclock__is_lost(r)) {
		r->state = FREE;
		return ESTALE;
	}
	if (r->state != HELD)
		return EPERM;
	error = ipclock__give(r);
	if (error && ipclock__loses(r, error)) {
		ipclock__lose(r);
		r->state = FREE;
		return ESTALE;
	}
	ipclock__let_go(r);
	if (error)
		ipclock__session_end(r);
	return error;
}

int
ipclock_redis_release(struct ipclock_redis *r)
{
	struct os_redis_guard guard;
	int error;

	if (!r)
		return no_handle("release");
	enter(r, &guard);
	error = release(r);
	return leave(r, &guard, "release", NULL, error);
}

/* ---- keeping ---- */

int
ipclock_redis_renew(struct ipclock_redis *r)
{
	struct os_redis_guard guard;
	int error;

	if (!r)
		return no_handle("renew");
	enter(r, &guard);
	if (ipclock__is_lost(r))
		error = ESTALE;
	else
		error = r->state == HELD ? ipclock__renew(r) : EPERM;
	return leave(r, &guard, "renew", NULL, error);
}

int
ipclock_redis_start_renewing(struct ipclock_redis *r)
{
	struct os_redis_guard guard;

	if (!r)
		return no_handle("start renewing");
	enter(r, &guard);
	return leave(r, &guard, "start renewing", NULL, ipclock__renewing_start(r));
}

int
ipclock_redis_stop_renewing(struct ipclock_redis *r)
{
	struct os_redis_guard guard;

	if (!r)
		return no_handle("stop renewing");
	ipclock__os_redis_enter(&guard);
	ipclock__session_adopt(r);
	ipclock__renewing_stop(r);
	ipclock__redis_outcome(&r->message, NULL, NULL, NULL, 0);
	ipclock__os_redis_leave(&guard);
	return 0;
}

int
ipclock_redis_set_lost(struct ipclock_redis *r, void (*lost)(void *ctx), void *ctx)
{
	struct os_redis_guard guard;

	if (!r)
		return no_handle("set lost");
	enter(r, &guard);
	r->lost = lost;
	r->ctx = ctx;
	return leave(r, &guard, "set lost", NULL, 0);
}

/* ---- asking ---- */

int
ipclock_redis_held(struct ipclock_redis *r)
{
	return r && ipclock__os_redis_now() < atomic_load(&r->ends);
}

int
ipclock_redis_token(struct ipclock_redis *r, uint64_t *token)
{
	struct os_redis_guard guard;
	int error = 0;

	if (!r || !token)
		return r ? ipclock__redis_outcome(&r->message, "token", r->name, "no place to put it: NULL", EINVAL) :
		    no_handle("token");
	enter(r, &guard);
	if (ipclock__is_lost(r))
		error = ESTALE;
	else if (r->state != HELD)
		error = EPERM;
	else if (r->by_channel)
		error = ENOTSUP;
	else
		*token = atomic_load(&r->token);
	return leave(r, &guard, "token", error == ENOTSUP ? EXCLUSIVE_ONLY : NULL, error);
}

/* What cannot be told of a lock that is held here may be the end of that. */
static int
ask_who(struct ipclock_redis *r, redisReply **reply)
{
	int error, tries = 0;

	if (r->by_channel)
		return ENOTSUP;
	r->fresh = false;
	do {
		error = r->state == HELD ? 0 : ipclock__session_need(r);
		if (error)
			return error;
		error = ipclock__lease_who(&r->lease, reply);
	} while (error && r->state != HELD && ++tries < MOST_TRIES && ipclock__session_retry(r, error));
	if (error && r->state == HELD && (ipclock__loses(r, error) || !ipclock__redis_connected(&r->commands)))
		ipclock__lose(r);
	return error;
}

int
ipclock_redis_holders(struct ipclock_redis *r, int (*each)(void *, const struct ipclock_redis_holder *), void *ctx)
{
	struct os_redis_guard guard;
	redisReply *reply = NULL;
	int error;

	if (!r || !each)
		return r ? ipclock__redis_outcome(&r->message, "holders", r->name, "nobody to tell: NULL", EINVAL) :
		    no_handle("holders");
	enter(r, &guard);
	error = ask_who(r, &reply);
	error = leave(r, &guard, "holders", error == ENOTSUP ? EXCLUSIVE_ONLY : NULL, error);
	if (error)
		return error;
	error = ipclock__redis_tell(reply, each, ctx);
	ipclock__os_redis_enter(&guard);
	freeReplyObject(reply);
	ipclock__redis_outcome(&r->message, "holders", r->name, NULL, error);
	ipclock__os_redis_leave(&guard);
	return error;
}

const char *
ipclock_redis_message(struct ipclock_redis *r)
{
	return r ? r->message.text : ipclock__redis_message_last();
}

/* ---- event loops ---- */

int
ipclock_redis_start_read(struct ipclock_redis *r, int timeout_ms)
{
	return begin(r, 'R', timeout_ms, false);
}

int
ipclock_redis_start_write(struct ipclock_redis *r, int timeout_ms)
{
	return begin(r, 'W', timeout_ms, false);
}

/* What came before there is something to wait for; EINPROGRESS: nothing. */
static int
not_waiting(struct ipclock_redis *r, const char **why)
{
	*why = NULL;
	if (r->state == WAITING)
		return EINPROGRESS;
	if (r->cancelled)
		return ECANCELED;
	*why = "nothing was started";
	return EINVAL;
}

int
ipclock_redis_step(struct ipclock_redis *r, int *wait_ms)
{
	struct os_redis_guard guard;
	const char *why;
	int error, wait = 0;

	if (!r)
		return no_handle("step");
	enter(r, &guard);
	error = not_waiting(r, &why);
	if (error == EINPROGRESS)
		error = ipclock__wait_step(r, &wait);
	else
		r->cancelled = false;
	if (wait_ms)
		*wait_ms = wait;
	return leave(r, &guard, r->mode ? operations[(unsigned char)r->mode] : "step", why, error);
}

int
ipclock_redis_pollfd(struct ipclock_redis *r)
{
	if (!r || r->forked)
		return -1;
	if (r->state == WAITING)
		return r->deaf ? -1 : ipclock__redis_fd(&r->news);
	return r->threaded ? -1 : ipclock__held_fd(r);
}

void
ipclock_redis_cancel(struct ipclock_redis *r)
{
	struct os_redis_guard guard;

	if (!r)
		return;
	enter(r, &guard);
	if (r->state == WAITING) {
		ipclock__wait_end(r);
		r->cancelled = true;
	}
	leave(r, &guard, "cancel", NULL, 0);
}
