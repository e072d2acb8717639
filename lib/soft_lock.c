/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 *	       link(2)            release
 *	FREE ----------> HELD ----------------> FREE
 *	                  |   touch, release, acquire find another's marker, or none
 *	                  +-------------------> FREE, and the caller is told ESTALE
 *	                  |   fork, in the child
 *	                  +-------------------> FREE
 *
 * All that a handle has, and all work on files, is under the process lock: so
 * fork(2) finds nothing half done.  Callbacks run outside it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <ipclock/soft_lock.h>

#include "attr.h"
#include "lock_file.h"
#include "message.h"
#include "owner.h"
#include "soft_file.h"

/* A marker is removed and another put up as fast as we look. */
#define MOST_ROUNDS 100

_Static_assert((int)OWNER_UNKNOWN == IPCLOCK_OWNER_UNKNOWN && (int)OWNER_ALIVE == IPCLOCK_OWNER_ALIVE &&
    (int)OWNER_DEAD == IPCLOCK_OWNER_DEAD, "states");

/* A marker with a lease, and since when we have seen it untouched. */
struct sighting {
	struct os_id id;
	uint64_t token;
	int64_t changed;
	int64_t since;
};

struct ipclock_soft {
	struct ipclock_soft *next; /* the process's list */
	struct ipclock_soft *previous;
	struct soft_place place;
	struct soft_file file;  /* the marker, while held */
	struct sighting seen;
	struct options options;
	void (*lost)(void *ctx);
	void *lost_ctx;
	struct failure failure; /* of the last call */
	uint64_t thread;        /* that acquired */
	int64_t touched;        /* by our clock, before it was */
	int lease_ms;
	unsigned generation;    /* counted up in the child of a fork */
	bool held;
	bool was_lost;          /* the callback is due */
};

struct ipclock_owner {
	long pid;
	enum owner_state state;
	struct os_system system;
};

static struct ipclock_soft *locks;

/* ---- what is said of a call ---- */

static const char *
reason_of(int error)
{
	switch (error) {
	case EINVAL:
		return "not a regular file";
	case ESTALE:
		return "lost: the marker is gone, or another's";
	case EEXIST:
		return "not a marker of this library; remove it by hand if nobody uses it";
	case ENOTSUP:
		return "this file system has no hard links";
	default:
		return NULL;
	}
}

static int
finish_after(struct ipclock_soft *s, const char *operation, int r, const char *reason, int waited_ms)
{
	struct failure failure = { operation, reason, r, waited_ms };

	ipclock__os_process_lock();
	s->failure = failure;
	ipclock__os_process_unlock();
	ipclock__message_note(&failure, s->place.path);
	return r;
}

static int
finish(struct ipclock_soft *s, const char *operation, int r, const char *reason)
{
	return finish_after(s, operation, r, reason, 0);
}

static void
say(const struct ipclock_soft *s, enum log_level level, const char *what, int ms)
{
	char clause[64], line[512];
	struct failure failure = { "soft lock", clause, 0, 0 };

	if (!s->options.log)
		return;
	snprintf(clause, sizeof(clause), ms < 0 ? "%s" : "%s %d ms", what, ms);
	ipclock__message_format(&failure, s->place.path, line, sizeof(line));
	s->options.log(s->options.log_ctx, (int)level, line);
}

/* ---- the child of a fork ---- */

static void
after_fork(void)
{
	struct ipclock_soft *s;

	for (s = locks; s; s = s->next) {
		s->generation++;
		s->was_lost = false;
		if (s->held)
			ipclock__os_forget(&s->file.os);
		s->held = false;
	}
}

/* ---- open and close ---- */

static int
enlist(struct ipclock_soft *s)
{
	static bool hooked;
	int r = 0;

	ipclock__os_process_lock();
	if (!hooked)
		r = ipclock__os_at_fork(after_fork);
	hooked |= r == 0;
	if (r == 0) {
		s->next = locks;
		if (locks)
			locks->previous = s;
		locks = s;
	}
	ipclock__os_process_unlock();
	return r;
}

static void
unlist(struct ipclock_soft *s)
{
	if (s->previous)
		s->previous->next = s->next;
	else
		locks = s->next;
	if (s->next)
		s->next->previous = s->previous;
}

/* What an option asks for that an existing file cannot be. */
static const char *
bad_option(const struct ipclock_attr *attr)
{
	if (attr->whole)
		return "a soft lock is of no protocol: IPCLOCK_FLOCK";
	if (attr->slot_set || attr->range_set)
		return "a soft lock is a whole file: no slot, no range";
	if (attr->options.recursive)
		return "a soft lock is not recursive";
	if (attr->options.inherit)
		return "a soft lock is not inherited";
	if (attr->options.trust_path || !attr->create)
		return "IPCLOCK_TRUST_PATH and IPCLOCK_NOCREATE: the file of a soft lock comes and goes";
	if (attr->options.unlink)
		return "IPCLOCK_UNLINK: the file of a soft lock always goes";
	return NULL;
}

static const char *
bad_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	if (!*path)
		return "the path is empty";
	return !*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0 ? "the path names no file" : NULL;
}

static int
make(struct ipclock_soft **soft, const char *path, const struct ipclock_attr *attr)
{
	struct ipclock_soft *s = ipclock__os_alloc(sizeof(*s));
	int r;

	if (!s)
		return ENOMEM;
	r = ipclock__os_absolute(path, &s->place.path);
	if (r == 0) {
		s->place.base = strrchr(s->place.path, '/') + 1;
		s->place.perm = attr->perm;
		s->place.make_parents = attr->make_parents;
		s->options = attr->options;
		s->file.os.fd = -1;
		r = *s->place.base ? enlist(s) : EINVAL; /* another separator than the slash */
		if (r)
			ipclock__os_free(s->place.path);
	}
	if (r)
		ipclock__os_free(s);
	else
		*soft = s;
	return r;
}

int
ipclock_soft_open(struct ipclock_soft **soft, const char *path, const struct ipclock_attr *attr)
{
	struct os_guard guard;
	const char *bad;
	int r;

	if (!soft)
		return ipclock__message_outcome("open", path, "no place to put the handle: NULL", EINVAL);
	*soft = NULL;
	if (!path)
		return ipclock__message_outcome("open", NULL, "no path: NULL", EINVAL);
	if (!attr)
		attr = &ipclock__attr_defaults;
	if ((bad = bad_name(path)) || (bad = bad_option(attr)))
		return ipclock__message_outcome("open", path, bad, EINVAL);
	ipclock__os_enter(&guard);
	r = make(soft, path, attr);
	ipclock__os_leave(&guard);
	if (r == ENAMETOOLONG)
		return ipclock__message_outcome("open", path, "the path is too long", EINVAL);
	return ipclock__message_outcome("open", path, NULL, r);
}

/* ---- holding, with the process lock ---- */

/* What the file system does not permit, an append-only directory for one.  EPERM says that it is not held. */
static int
refused(int error)
{
	return error == EPERM ? EACCES : error;
}

/* Held no more. */
static void
drop(struct ipclock_soft *s)
{
	s->held = false;
	ipclock__soft_close(&s->file);
}

static int
lose(struct ipclock_soft *s)
{
	drop(s);
	s->was_lost = true;
	return ESTALE;
}

/*
 * Somebody has the guard.  Who breaks it has seen it untouched for a lease; until
 * then it is only somebody who may read the marker, and the lock is held still.
 */
static int
guarded_by_another(struct ipclock_soft *s)
{
	return ipclock__os_now() - s->touched < s->file.marker.lease_ms * OS_MS ? EBUSY : lose(s);
}

static int
touch(struct ipclock_soft *s)
{
	int64_t now = ipclock__os_now();
	int r;

	if (!s->held)
		return EPERM;
	if (ipclock__soft_guard(&s->file))
		return guarded_by_another(s);
	r = refused(ipclock__os_soft_touch(&s->file.os));
	if (r == 0 || r == ESTALE)
		r = ipclock__soft_check(&s->place, &s->file);
	if (r == 0)
		s->touched = now;
	ipclock__soft_unguard(&s->file);
	return r == ESTALE ? lose(s) : r;
}

static int
release(struct ipclock_soft *s)
{
	int r;

	if (!s->held)
		return EPERM;
	if (s->file.marker.lease_ms && ipclock__soft_guard(&s->file))
		return guarded_by_another(s);
	r = ipclock__soft_check(&s->place, &s->file);
	if (r == 0)
		r = refused(ipclock__os_soft_remove(s->place.path));
	if (s->file.marker.lease_ms)
		ipclock__soft_unguard(&s->file);
	if (r == ESTALE)
		return lose(s);
	if (r && r != ENOENT)
		return r;
	drop(s);
	return 0;
}

/* The callback, once, outside of all locks. */
static void
tell_lost(struct ipclock_soft *s)
{
	void (*lost)(void *);
	void *ctx;
	bool due;

	ipclock__os_process_lock();
	due = s->was_lost;
	s->was_lost = false;
	lost = s->lost;
	ctx = s->lost_ctx;
	ipclock__os_process_unlock();
	if (due)
		say(s, LOG_WARNING, "lost", -1);
	if (due && lost)
		lost(ctx);
}

static int
change(struct ipclock_soft *s, const char *operation, int (*how)(struct ipclock_soft *))
{
	struct os_guard guard;
	int r;

	if (!s)
		return ipclock__message_outcome(operation, NULL, "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	ipclock__os_process_lock();
	r = how(s);
	ipclock__os_process_unlock();
	tell_lost(s);
	finish(s, operation, r, reason_of(r));
	ipclock__os_leave(&guard);
	return r;
}

int
ipclock_soft_touch(struct ipclock_soft *soft)
{
	return change(soft, "touch", touch);
}

int
ipclock_soft_release(struct ipclock_soft *soft)
{
	return change(soft, "release", release);
}

int
ipclock_soft_close(struct ipclock_soft *s)
{
	struct os_guard guard;

	if (!s)
		return ipclock__message_outcome("close", NULL, "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	ipclock__os_process_lock();
	if (s->held)
		release(s);
	if (s->held)
		drop(s);
	unlist(s);
	ipclock__os_process_unlock();
	ipclock__os_free(s->place.path);
	ipclock__os_free(s);
	ipclock__os_leave(&guard);
	return ipclock__message_outcome("close", NULL, NULL, 0);
}

int
ipclock_soft_set_lease(struct ipclock_soft *s, int lease_ms, void (*lost)(void *ctx), void *ctx)
{
	struct os_guard guard;
	bool held;

	if (!s)
		return ipclock__message_outcome("set lease", NULL, "no handle: NULL", EINVAL);
	if (lease_ms < 0)
		return finish(s, "set lease", EINVAL, "a lease is 1 ms or more, or 0 for none");
	ipclock__os_enter(&guard);
	ipclock__os_process_lock();
	held = s->held;
	if (!held) {
		s->lease_ms = lease_ms;
		s->lost = lost;
		s->lost_ctx = ctx;
	}
	ipclock__os_process_unlock();
	finish(s, "set lease", held ? EBUSY : 0, held ? "held through this handle" : NULL);
	ipclock__os_leave(&guard);
	return held ? EBUSY : 0;
}

/* ---- acquire: one try, with the process lock ---- */

static bool
seen_before(const struct sighting *seen, const struct soft_file *file)
{
	return seen->token == file->marker.token && seen->changed == file->changed &&
	    seen->id.device == file->os.id.device && seen->id.inode == file->os.id.inode;
}

/*
 * By our monotonic clock it was not touched for a whole lease while we looked, and
 * by the file server's own clock for as long: a jump of one clock breaks nothing.
 */
static bool
lease_is_over(struct ipclock_soft *s, const struct soft_file *file, int64_t looked)
{
	int64_t lease = file->marker.lease_ms * OS_MS, server;

	if (file->format != MARKER_OURS || lease == 0)
		return false;
	if (!seen_before(&s->seen, file)) {
		s->seen = (struct sighting){ file->os.id, file->marker.token, file->changed, ipclock__os_now() };
		return false;
	}
	return looked - s->seen.since > lease && ipclock__soft_now(&s->place, &server) == 0 &&
	    server - file->changed > lease;
}

/* Is that the marker of a lock that this thread holds, through whatever handle? */
static bool
is_ours(const struct soft_file *file)
{
	uint64_t thread = ipclock__os_thread();
	const struct ipclock_soft *s;

	for (s = locks; s; s = s->next)
		if (s->held && s->thread == thread && s->file.marker.token == file->marker.token &&
		    s->file.os.id.device == file->os.id.device && s->file.os.id.inode == file->os.id.inode)
			return true;
	return false;
}

/* Whose directory it is may keep us from removing a stale one: then it stays. */
static int
break_stale(struct ipclock_soft *s, const struct soft_file *file)
{
	int r = ipclock__soft_break(&s->place, file);

	if (r == 0)
		ipclock__soft_sweep(&s->place);
	return r == EACCES || r == EPERM || r == EROFS ? EBUSY : r;
}

/* What is there?  ENOENT: nothing.  0: a stale marker was removed.  EDEADLK: our own. */
static int
look(struct ipclock_soft *s)
{
	int64_t looked = ipclock__os_now();
	struct soft_file file;
	int r = ipclock__soft_look(s->place.path, &file);

	if (r)
		return r;
	if ((file.format == MARKER_OURS && ipclock__soft_state(&file) == OWNER_DEAD) ||
	    lease_is_over(s, &file, looked))
		r = break_stale(s, &file);
	else
		r = is_ours(&file) ? EDEADLK : EBUSY;
	ipclock__soft_close(&file);
	return r;
}

static int
put(struct ipclock_soft *s)
{
	int r;

	s->touched = ipclock__os_now();
	r = refused(ipclock__soft_put(&s->place, &s->file, s->lease_ms));
	if (r)
		return r;
	s->held = true;
	s->thread = ipclock__os_thread();
	return 0;
}

/* 0, EBUSY, EDEADLK (busy, with ourselves) or an error. */
static int
try(struct ipclock_soft *s)
{
	int r = EBUSY, round;

	if (s->held) {
		r = ipclock__soft_check(&s->place, &s->file);
		if (r != ESTALE)
			return r ? r : s->thread == ipclock__os_thread() ? EDEADLK : EBUSY;
		lose(s);
	}
	for (round = 0; round < MOST_ROUNDS; round++) {
		r = look(s);
		if (r == ENOENT) {
			r = put(s);
			if (r != EEXIST)
				return r;
		} else if (r)
			return r;
	}
	return EBUSY;
}

/* ---- acquire ---- */

struct wait {
	int64_t begun, deadline, wake;
	unsigned pauses;
	unsigned generation;
	uint32_t seed;
	int waited_ms;
};

static int
try_locked(struct ipclock_soft *s, const struct wait *wait)
{
	int r = ECANCELED; /* a callback forked, and this is the child */

	ipclock__os_process_lock();
	if (s->generation == wait->generation)
		r = try(s);
	ipclock__os_process_unlock();
	tell_lost(s);
	return r;
}

static int
pause(struct ipclock_soft *s, struct wait *w)
{
	int64_t now = ipclock__os_now();
	int ms = ipclock__backoff_pause(&s->options.backoff, w->pauses++, &w->seed);

	w->wake = now + ms * OS_MS;
	if (w->wake > w->deadline)
		w->wake = w->deadline;
	if (s->options.cancel && s->options.cancel(s->options.cancel_ctx))
		return ECANCELED;
	if (s->options.sleep) {
		ms = w->wake > now ? (int)((w->wake - now + OS_MS - 1) / OS_MS) : 0;
		ipclock__options_sleep(&s->options, ms);
		return 0;
	}
	while (ipclock__os_sleep_until(w->wake) == EINTR)
		if (s->options.interruptible)
			return EINTR;
	return 0;
}

/* Busy at first: until the deadline, and one last try then. */
static int
wait_for(struct ipclock_soft *s, struct wait *w)
{
	bool last;
	int r;

	say(s, LOG_DEBUG, "waiting", -1);
	do {
		r = pause(s, w);
		if (r)
			return r;
		last = ipclock__os_now() >= w->deadline;
		r = try_locked(s, w);
		if (r != EBUSY && r != EDEADLK)
			return r;
	} while (!last);
	return ETIMEDOUT;
}

static int
acquire(struct ipclock_soft *s, int timeout_ms, struct wait *w)
{
	int r = try_locked(s, w);
	int64_t ms;

	if (r == EDEADLK && timeout_ms >= 0)
		r = EBUSY;
	if (r != EBUSY || timeout_ms == 0)
		return r;
	if (timeout_ms > 0)
		w->deadline = w->begun + timeout_ms * OS_MS;
	r = wait_for(s, w);
	if (s->generation != w->generation)
		return ECANCELED;
	ms = (ipclock__os_now() - w->begun) / OS_MS;
	w->waited_ms = ms > INT_MAX ? INT_MAX : (int)ms;
	if (r == 0)
		say(s, LOG_INFO, "granted after", w->waited_ms);
	else
		say(s, LOG_WARNING, r == ETIMEDOUT ? "timed out after" : "given up after", w->waited_ms);
	return r;
}

int
ipclock_soft_acquire(struct ipclock_soft *s, int timeout_ms)
{
	struct wait w = { .begun = ipclock__os_now(), .deadline = OS_NEVER };
	struct os_guard guard;
	bool held;
	int r;

	if (!s)
		return ipclock__message_outcome("soft lock", NULL, "no handle: NULL", EINVAL);
	if (timeout_ms < -1)
		return finish(s, "soft lock", EINVAL, "the timeout is below -1");
	held = ipclock__options_hold_signals(&s->options, timeout_ms);
	ipclock__os_enter(&guard);
	w.generation = s->generation;
	w.seed = (uint32_t)((uint64_t)w.begun ^ ipclock__os_thread() << 8 ^ (uint64_t)ipclock__os_pid() << 16);
	r = acquire(s, timeout_ms, &w);
	finish_after(s, "soft lock", r, r == ESTALE ? NULL : reason_of(r), w.waited_ms);
	ipclock__os_leave(&guard);
	if (held)
		ipclock__os_signals_let();
	return r;
}

/* ---- breaking ---- */

/* An owner that touches it meanwhile does not save it. */
static int
break_any(struct ipclock_soft *s)
{
	struct soft_file file;
	uint64_t token = 0;
	int r, round;

	for (round = 0; round < MOST_ROUNDS; round++) {
		r = ipclock__soft_look(s->place.path, &file);
		if (r)
			return r == ENOENT && round > 0 ? 0 : r == EBUSY ? EACCES : r;
		if (file.format != MARKER_OURS)
			r = round > 0 ? 0 : EEXIST;
		else if (round > 0 && file.marker.token != token)
			r = 0;
		else {
			token = file.marker.token;
			r = ipclock__soft_break(&s->place, &file);
			r = r ? r : EAGAIN;
		}
		ipclock__soft_close(&file);
		if (r != EAGAIN)
			return r;
	}
	return EBUSY;
}

int
ipclock_soft_break(struct ipclock_soft *soft)
{
	return change(soft, "break", break_any);
}

/* ---- asking ---- */

int
ipclock_soft_held(struct ipclock_soft *s)
{
	struct os_guard guard;
	bool held;

	if (!s)
		return 0;
	ipclock__os_enter(&guard);
	ipclock__os_process_lock();
	held = s->held;
	ipclock__os_process_unlock();
	ipclock__os_leave(&guard);
	return held;
}

const char *
ipclock_soft_path(struct ipclock_soft *s)
{
	return s ? s->place.path : NULL;
}

static int
find_owner(struct ipclock_soft *s, struct ipclock_owner *owner)
{
	struct soft_file file;
	int r;

	ipclock__os_process_lock();
	r = ipclock__soft_look(s->place.path, &file);
	if (r == 0) {
		owner->pid = file.marker.pid;
		owner->system = file.marker.system;
		owner->state = ipclock__soft_state(&file);
		ipclock__soft_close(&file);
	}
	ipclock__os_process_unlock();
	return r == EBUSY ? EACCES : r;
}

int
ipclock_soft_owner(struct ipclock_soft *s, struct ipclock_owner **owner)
{
	struct os_guard guard;
	int r = ENOMEM;

	if (owner)
		*owner = NULL;
	if (!s || !owner)
		return ipclock__message_outcome("owner", s ? s->place.path : NULL,
		    s ? "no place to put the owner: NULL" : "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	*owner = ipclock__os_alloc(sizeof(**owner));
	if (*owner)
		r = find_owner(s, *owner);
	if (r) {
		ipclock__os_free(*owner);
		*owner = NULL;
	}
	finish(s, "owner", r, reason_of(r));
	ipclock__os_leave(&guard);
	return r;
}

static void
name_owner(struct ipclock_soft *s)
{
	static const char *const states[] = { "", "", ", which is dead" };
	struct ipclock_owner owner;
	char text[360];

	if (find_owner(s, &owner))
		return;
	if (owner.pid)
		snprintf(text, sizeof(text), "held by pid %ld on %s%s", owner.pid,
		    strcmp(owner.system.host, OS_UNKNOWN) ? owner.system.host : "some host", states[owner.state]);
	else
		snprintf(text, sizeof(text), "the file is not a marker of this library");
	ipclock__message_go_on(text);
}

const char *
ipclock_soft_message(struct ipclock_soft *s)
{
	struct failure failure;
	struct os_guard guard;
	const char *text;

	ipclock__os_enter(&guard);
	if (s) {
		ipclock__os_process_lock();
		failure = s->failure;
		ipclock__os_process_unlock();
		text = ipclock__message_text(&failure, s->place.path);
		if (failure.error == EBUSY || failure.error == ETIMEDOUT)
			name_owner(s);
	} else
		text = ipclock__message_last();
	ipclock__os_leave(&guard);
	return text;
}

/* ---- owners ---- */

static const char *
if_known(const char *name)
{
	return strcmp(name, OS_UNKNOWN) ? name : NULL;
}

long
ipclock_owner_pid(const struct ipclock_owner *owner)
{
	return owner ? owner->pid : 0;
}

const char *
ipclock_owner_host(const struct ipclock_owner *owner)
{
	return owner ? if_known(owner->system.host) : NULL;
}

const char *
ipclock_owner_boot_id(const struct ipclock_owner *owner)
{
	return owner ? if_known(owner->system.boot) : NULL;
}

int
ipclock_owner_state(const struct ipclock_owner *owner)
{
	return owner ? (int)owner->state : IPCLOCK_OWNER_UNKNOWN;
}

void
ipclock_owner_free(struct ipclock_owner *owner)
{
	struct os_guard guard;

	ipclock__os_enter(&guard);
	ipclock__os_free(owner);
	ipclock__os_leave(&guard);
}
