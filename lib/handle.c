/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>

#include "handle.h"
#include "holders.h"

_Static_assert(sizeof(struct handle) <= 512, "the promised size of a handle");

static struct handle *
handle_of(struct lock_file *file)
{
	return (struct handle *)(void *)((char *)file - offsetof(struct handle, shared.file));
}

static bool
is_held(const struct handle *h)
{
	return h->shared.local.writer || h->shared.local.readers > 0;
}

/* ---- what is said of a call ---- */

static const char *const reasons[] = {
	[BAD_TIMEOUT] = "the timeout is below -1",
	[NOT_STARTED_YET] = "nothing was started",
	[NOT_A_FILE] = "not a regular file",
	[NO_CONVERSION] = "locks of this kind cannot turn one mode into the other without letting go",
	[OWN_WAIT] = "this thread has started to wait for it",
};

/* Which lock the thread's last call did not get because of others: the handle may be closed by now. */
static _Thread_local struct {
	struct place place;
	bool whole;
} contended;

/* Threads that share the handle write under its mutex. */
static int
note(struct handle *h, const char *operation, int r, enum reason reason)
{
	struct failure failure = { operation, reasons[reason], r, 0 };

	ipclock__os_mutex_lock(&h->shared.mutex);
	failure.waited_ms = h->shared.waited_ms;
	h->operation = operation;
	h->reason = (unsigned char)reason;
	atomic_store_explicit(&h->error, r, memory_order_relaxed);
	ipclock__os_mutex_unlock(&h->shared.mutex);
	ipclock__message_note(&failure, h->shared.file.path);
	if (r == EBUSY || r == ETIMEDOUT) {
		contended.place = h->shared.place;
		contended.whole = h->shared.file.os.whole;
		ipclock__message_mark_contended();
	}
	return r;
}

/* Costs one look. */
static int
succeed(struct handle *h, const char *operation)
{
	if (atomic_load_explicit(&h->error, memory_order_relaxed))
		return note(h, operation, 0, NO_REASON);
	ipclock__message_clear();
	return 0;
}

static int
finish_because(struct handle *h, const char *operation, int r, enum reason reason)
{
	return r ? note(h, operation, r, reason) : succeed(h, operation);
}

/* With good arguments only the file can be EINVAL: something else took its place. */
static int
finish(struct handle *h, const char *operation, int r)
{
	return finish_because(h, operation, r, r == EINVAL ? NOT_A_FILE : NO_REASON);
}

/* ---- the child of a fork ---- */

/*
 * Runs alone, in the middle of whatever other threads were doing: what they had
 * is made anew.  A lock that may pass is kept as it is, less another thread's
 * number; every other descriptor is closed, and nothing unlocked, for the
 * description is the parent's too.
 */
static void
forked(struct lock_file *file)
{
	struct handle *h = handle_of(file);
	struct local *local = &h->shared.local;
	struct local_waiter *waiter;

	h->shared.generation++;
	ipclock__os_mutex_make(&h->shared.mutex);
	ipclock__os_event_free(&h->attempt.waiter.event);
	ipclock__os_event_make(&h->attempt.waiter.event);
	if (h->started == STARTED)
		h->started = CANCELLED;
	h->adopts = is_held(h) && h->shared.options.inherit && file->path;
	if (h->adopts && local->first) /* another thread's number: the parent's death would not give it back */
		ipclock__place_leave_line(&h->shared.place, &file->os);
	for (waiter = local->first; waiter; waiter = waiter->next)
		ipclock__os_event_free(&waiter->event); /* its thread is not here, but its stack is, and its descriptor */
	local->first = local->last = NULL;
	local->draining = false;
	h->shared.soiled = h->adopts; /* after the release a description of its own, else parent and child would both get in */
	if (h->adopts)
		return;
	local->writer = false;
	local->readers = 0;
	file->writer = 0;
	ipclock__owners_reset(&h->shared.owners);
	h->shared.has_queue = -1;
	if (file->path)
		ipclock__os_forget(&file->os);
	else
		file->disowned = true;
}

/* The first thread to call in the child is the owner of what was inherited. */
static void
adopt_now(struct handle *h)
{
	uint64_t thread = ipclock__os_thread();
	struct owner *owner;

	ipclock__os_mutex_lock(&h->shared.mutex);
	if (h->adopts && h->shared.local.writer)
		h->shared.file.writer = thread;
	for (owner = &h->shared.owners.first; owner && h->adopts; owner = owner->next)
		if (owner->who != PROCESS)
			owner->who = thread;
	h->adopts = false;
	ipclock__os_mutex_unlock(&h->shared.mutex);
}

static void
adopt(struct handle *h)
{
	if (h->adopts)
		adopt_now(h);
}

/* ---- open and close ---- */

static void
set_up(struct handle *h, const struct ipclock_attr *attr)
{
	struct shared *s = &h->shared;

	s->options = attr->options;
	s->file.os.whole = attr->whole;
	if (attr->range_set || attr->whole) /* of a whole file: range 0, 0 */
		ipclock__place_range(&s->place, attr->range);
	else
		ipclock__place_slot(&s->place, attr->slot, !attr->options.unfair);
	s->file.perm = attr->perm;
	s->file.create = attr->create;
	s->file.make_parents = attr->make_parents;
	s->file.range = &s->place.exclusive;
	s->file.forked = forked;
	s->has_queue = -1;
	s->seed = (uint32_t)(ipclock__os_thread() ^ ((uintptr_t)h >> 4));
	ipclock__os_event_make(&h->attempt.waiter.event);
}

static int
make(struct handle **handle, const char *path, int fd, const struct ipclock_attr *attr)
{
	struct handle *h;
	int r;

	if (attr->options.inherit && !attr->whole && !ipclock__os_range_inherits())
		return ENOTSUP;
	if (attr->options.unlink && !ipclock__os_unlinks_open())
		return ENOTSUP;
	h = ipclock__os_alloc(sizeof(*h));
	if (!h)
		return ENOMEM;
	set_up(h, attr);
	r = ipclock__os_mutex_make(&h->shared.mutex);
	if (r == 0) {
		r = path ? ipclock__lock_file_open(&h->shared.file, path) : ipclock__lock_file_adopt(&h->shared.file, fd);
		if (r)
			ipclock__os_mutex_free(&h->shared.mutex);
	}
	if (r)
		ipclock__os_free(h);
	else
		*handle = h;
	return r;
}

static int
open_handle(struct handle **handle, const char *path, int fd, const struct ipclock_attr *attr)
{
	struct os_guard guard;
	struct handle *h = NULL;
	int r;

	ipclock__os_enter(&guard);
	r = make(&h, path, fd, attr ? attr : &ipclock__attr_defaults);
	*handle = h;
	ipclock__os_leave(&guard);
	return r;
}

int
ipclock__handle_open(struct handle **handle, const char *path, const struct ipclock_attr *attr)
{
	int r;

	if (!handle)
		return ipclock__message_outcome("open", path, "no place to put the handle: NULL", EINVAL);
	*handle = NULL;
	if (!path || !*path)
		return ipclock__message_outcome("open", NULL, path ? "the path is empty" : "no path: NULL", EINVAL);
	if (attr && attr->options.unlink && (attr->whole || attr->range_set))
		return ipclock__message_outcome("open", path,
		    "IPCLOCK_UNLINK is for slots: programs of other protocols do not look again", EINVAL);
	r = open_handle(handle, path, -1, attr);
	if (r == ENAMETOOLONG)
		return ipclock__message_outcome("open", path, "the path is too long", EINVAL);
	return ipclock__message_outcome("open", path, r == EINVAL ? "not a regular file" : NULL, r);
}

int
ipclock__handle_open_fd(struct handle **handle, int fd, const struct ipclock_attr *attr)
{
	char name[32];
	int r;

	if (!handle)
		return ipclock__message_outcome("open", NULL, "no place to put the handle: NULL", EINVAL);
	*handle = NULL;
	if (attr && attr->options.unlink)
		return ipclock__message_outcome("open", NULL, "IPCLOCK_UNLINK wants a path", EINVAL);
	r = open_handle(handle, NULL, fd, attr);
	snprintf(name, sizeof(name), "descriptor %d", fd);
	return ipclock__message_outcome("open", name, r == EINVAL ? "not a regular file" : NULL, r);
}

int
ipclock__handle_close(struct handle *h)
{
	struct os_guard guard;

	if (!h)
		return ipclock__message_outcome("close", NULL, "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	ipclock__handle_cancel(h);
	if (is_held(h))
		ipclock__attempt_unlock(&h->shared);
	ipclock__attempt_say_stays(&h->shared);
	ipclock__lock_file_close(&h->shared.file);
	ipclock__os_event_free(&h->attempt.waiter.event);
	ipclock__os_mutex_free(&h->shared.mutex);
	ipclock__owners_free(&h->shared.owners);
	ipclock__os_free(h);
	ipclock__os_leave(&guard);
	return ipclock__message_outcome("close", NULL, NULL, 0);
}

/* ---- acquire ---- */

static int
check(struct handle *h, const char *operation, int timeout_ms)
{
	if (!h)
		return ipclock__message_outcome(operation, NULL, "no handle: NULL", EINVAL);
	return timeout_ms < -1 ? finish_because(h, operation, EINVAL, BAD_TIMEOUT) : 0;
}

/* It would wait behind its own started wait, which nobody else steps. */
static bool
waits_for_itself(const struct handle *h, int timeout_ms)
{
	return timeout_ms < 0 && h->started == STARTED &&
	    atomic_load_explicit(&h->starter, memory_order_relaxed) == ipclock__os_thread();
}

static int
acquire(struct handle *h, enum os_mode mode, int timeout_ms)
{
	bool own = waits_for_itself(h, timeout_ms);
	bool held = ipclock__options_hold_signals(&h->shared.options, timeout_ms);
	struct attempt attempt;
	struct os_guard guard;
	int r;

	ipclock__os_enter(&guard);
	adopt(h);
	ipclock__os_event_make(&attempt.waiter.event);
	ipclock__attempt_make(&attempt, &h->shared, mode, true);
	r = ipclock__attempt_run(&attempt, &h->shared, own ? 0 : timeout_ms);
	if (own && r == EBUSY)
		r = finish_because(h, ipclock__mode_operation(mode), EDEADLK, OWN_WAIT);
	else
		r = finish(h, ipclock__mode_operation(mode), r);
	ipclock__os_event_free(&attempt.waiter.event);
	ipclock__os_leave(&guard);
	if (held)
		ipclock__os_signals_let();
	return r;
}

int
ipclock__handle_acquire(struct handle *h, enum os_mode mode, int timeout_ms)
{
	struct os_guard guard;
	bool held;
	int r = check(h, ipclock__mode_operation(mode), timeout_ms);

	if (r)
		return r;
	ipclock__os_enter_briefly(&guard);
	held = !h->adopts && ipclock__attempt_at_once(&h->shared, mode);
	ipclock__os_leave_briefly(&guard);
	return held ? succeed(h, ipclock__mode_operation(mode)) : acquire(h, mode, timeout_ms);
}

/* ---- release ---- */

static void
become(struct shared *s, enum os_mode from, enum os_mode to, uint64_t writer)
{
	ipclock__local_give(&s->local, from);
	ipclock__local_take(&s->local, to);
	atomic_store_explicit(&s->file.writer, writer, memory_order_relaxed);
}

/*
 * The first bytes go first: what is left keeps everybody out as well.  On an
 * error it is still held for writing.
 */
static int
convert_to_shared(struct handle *h)
{
	struct shared *s = &h->shared;
	struct os_range skipped = { s->place.exclusive.start, s->place.shared_skip };
	uint64_t writer = atomic_load_explicit(&s->file.writer, memory_order_relaxed);
	int r = 0;

	if (s->file.os.whole)
		return ENOTSUP; /* flock(2) lets go before it takes: a failed one would have lost the lock */
	become(s, OS_EXCLUSIVE, OS_SHARED, 0); /* before it is so: a child that inherits must not believe it holds more */
	if (skipped.len)
		r = ipclock__os_range_unlock(&s->file.os, skipped);
	if (r == 0)
		r = ipclock__os_range_try(&s->file.os, ipclock__place_range_of(&s->place, OS_SHARED), OS_SHARED);
	if (r)
		become(s, OS_SHARED, OS_EXCLUSIVE, writer);
	else
		ipclock__local_wake(&s->local);
	return r;
}

static struct owner *
owner_of(struct handle *h)
{
	return ipclock__owners_find(&h->shared.owners, ipclock__attempt_owner(&h->shared));
}

/* A write given back inside a read of the same owner leaves the read. */
static int
release_recursive(struct handle *h, enum os_mode mode)
{
	struct owner *owner = owner_of(h);
	unsigned *count;
	int r;

	if (!owner)
		return EPERM;
	count = mode == OS_EXCLUSIVE ? &owner->writes : &owner->reads;
	if (*count == 0)
		return EPERM;
	--*count;
	if (owner->writes || (mode == OS_SHARED && owner->reads))
		return 0;
	if (owner->reads == 0)
		return ipclock__attempt_give(&h->shared, mode);
	r = convert_to_shared(h);
	owner->writes += r != 0; /* it is still held for writing */
	return r;
}

static int
release_plain(struct handle *h, enum os_mode mode)
{
	const struct local *local = &h->shared.local;

	if (mode == OS_EXCLUSIVE ? !local->writer : local->readers == 0)
		return EPERM;
	return ipclock__attempt_give(&h->shared, mode);
}

static int
downgrade(struct handle *h)
{
	struct owner *owner;
	int r;

	if (!h->shared.local.writer)
		return EPERM;
	if (!h->shared.options.recursive)
		return convert_to_shared(h);
	owner = owner_of(h);
	if (!owner)
		return EPERM;
	if (owner->writes > 1)
		return EBUSY;
	r = convert_to_shared(h);
	if (r == 0) {
		owner->writes = 0;
		owner->reads++;
	}
	return r;
}

/* A failed try keeps the shared lock. */
static int
convert_to_exclusive(struct handle *h)
{
	struct shared *s = &h->shared;
	int r;

	if (s->file.os.whole)
		return ENOTSUP;
	if (s->local.readers > 1)
		return EBUSY;
	if (!s->options.trust_path && ipclock__lock_file_check(&s->file) == ESTALE)
		return EBUSY; /* this one is let go of, not upgraded */
	if (!(s->file.os.access & OS_WRITE))
		return s->file.read_only ? s->file.read_only : EBADF;
	r = ipclock__os_range_try(&s->file.os, s->place.exclusive, OS_EXCLUSIVE);
	if (r)
		return r;
	become(s, OS_SHARED, OS_EXCLUSIVE, ipclock__os_thread());
	return 0;
}

static int
try_upgrade(struct handle *h)
{
	struct owner *owner;
	int r;

	if (h->shared.local.readers == 0)
		return EPERM;
	if (!h->shared.options.recursive)
		return convert_to_exclusive(h);
	owner = owner_of(h);
	if (!owner)
		return EPERM;
	r = convert_to_exclusive(h);
	if (r == 0) {
		owner->reads--;
		owner->writes = 1;
	}
	return r;
}

/* What changes a lock that is held runs whole under the mutex. */
static int
change(struct handle *h, const char *operation, int (*how)(struct handle *, enum os_mode), enum os_mode mode)
{
	struct os_guard guard;
	int r;

	if (!h)
		return ipclock__message_outcome(operation, NULL, "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	adopt(h);
	ipclock__os_mutex_lock(&h->shared.mutex);
	r = how(h, mode);
	ipclock__os_mutex_unlock(&h->shared.mutex);
	ipclock__attempt_say_stays(&h->shared);
	finish_because(h, operation, r, r == ENOTSUP ? NO_CONVERSION : NO_REASON);
	ipclock__os_leave(&guard);
	return r;
}

static int
change_mode(struct handle *h, enum os_mode mode)
{
	return mode == OS_SHARED ? downgrade(h) : try_upgrade(h);
}

static int
release(struct handle *h, enum os_mode mode)
{
	return h->shared.options.recursive ? release_recursive(h, mode) : release_plain(h, mode);
}

int
ipclock__handle_release(struct handle *h, enum os_mode mode)
{
	struct os_guard guard;
	bool given = false;

	if (h) {
		ipclock__os_enter_briefly(&guard);
		given = !h->adopts && ipclock__attempt_give_at_once(&h->shared, mode);
		ipclock__os_leave_briefly(&guard);
	}
	return given ? succeed(h, "release") : change(h, "release", release, mode);
}

int
ipclock__handle_downgrade(struct handle *h)
{
	return change(h, "downgrade", change_mode, OS_SHARED);
}

int
ipclock__handle_try_upgrade(struct handle *h)
{
	return change(h, "upgrade", change_mode, OS_EXCLUSIVE);
}

/* ---- start and step ---- */

/* Ended, unless it goes on; or it was cancelled under our feet. */
static int
take_stock(struct handle *h, int r)
{
	unsigned char started = STARTED;

	if (r != EINPROGRESS)
		atomic_compare_exchange_strong(&h->started, &started, NOT_STARTED);
	return r;
}

static int
start(struct handle *h, enum os_mode mode, int timeout_ms)
{
	unsigned char none = NOT_STARTED, cancelled = CANCELLED;

	if (!atomic_compare_exchange_strong(&h->started, &none, STARTED) &&
	    !atomic_compare_exchange_strong(&h->started, &cancelled, STARTED))
		return EINPROGRESS;
	atomic_store_explicit(&h->starter, ipclock__os_thread(), memory_order_relaxed);
	ipclock__attempt_make(&h->attempt, &h->shared, mode, false);
	return take_stock(h, ipclock__attempt_begin(&h->attempt, &h->shared, timeout_ms));
}

int
ipclock__handle_start(struct handle *h, enum os_mode mode, int timeout_ms)
{
	const char *operation = ipclock__mode_operation(mode);
	struct os_guard guard;
	int r = check(h, operation, timeout_ms);

	if (r)
		return r;
	ipclock__os_enter(&guard);
	adopt(h);
	r = start(h, mode, timeout_ms);
	if (r != EINPROGRESS)
		finish(h, operation, r);
	ipclock__os_leave(&guard);
	return r;
}

static int
step(struct handle *h)
{
	enum started started = (enum started)atomic_load(&h->started);

	if (started == STARTED)
		return take_stock(h, ipclock__attempt_step(&h->attempt, &h->shared));
	return started == CANCELLED ? ECANCELED : EINVAL;
}

int
ipclock__handle_step(struct handle *h, int *wait_ms)
{
	struct os_guard guard;
	int r;

	if (!h)
		return ipclock__message_outcome("step", NULL, "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	r = step(h);
	if (wait_ms)
		*wait_ms = r == EINPROGRESS ? ipclock__attempt_due_ms(&h->attempt) : 0;
	if (r == EINVAL && h->started == NOT_STARTED)
		finish_because(h, "step", r, NOT_STARTED_YET);
	else if (r != EINPROGRESS)
		finish(h, ipclock__mode_operation(h->attempt.waiter.mode), r);
	ipclock__os_leave(&guard);
	return r;
}

/* No queue in the kernel, nobody who could tell. */
int
ipclock__handle_pollfd(struct handle *h)
{
	struct os_guard guard;
	struct shared *s;
	int fd;

	if (!h)
		return -1;
	s = &h->shared;
	ipclock__os_enter(&guard);
	ipclock__os_mutex_lock(&s->mutex);
	fd = h->attempt.waiter.event.fd;
	if (fd < 0 && !s->options.poll && !s->options.sleep) {
		if (s->has_queue < 0 && s->file.os.fd >= 0)
			s->has_queue = ipclock__os_range_has_queue(&s->file.os);
		if (s->has_queue)
			fd = ipclock__os_event_fd(&h->attempt.waiter.event);
	}
	ipclock__os_mutex_unlock(&s->mutex);
	ipclock__os_leave(&guard);
	return fd;
}

void
ipclock__handle_cancel(struct handle *h)
{
	struct os_guard guard;

	if (!h || h->started != STARTED)
		return;
	ipclock__os_enter(&guard);
	ipclock__attempt_abandon(&h->attempt, &h->shared);
	h->started = CANCELLED;
	ipclock__os_leave(&guard);
}

/* ---- asking ---- */

int
ipclock__handle_fd(struct handle *h)
{
	int fd;

	if (!h)
		return -1;
	ipclock__os_mutex_lock(&h->shared.mutex);
	fd = h->shared.file.os.fd;
	ipclock__os_mutex_unlock(&h->shared.mutex);
	return fd;
}

const char *
ipclock__handle_path(struct handle *h)
{
	return h ? h->shared.file.path : NULL;
}

/* Looked up when somebody asks, not when it failed. */
static const char *
name_holder(const struct sought *sought, const char *sentence)
{
	char text[96];

	ipclock__holders_named(sought, text, sizeof(text));
	ipclock__message_go_on(text);
	return sentence;
}

static const char *
message_of(struct handle *h)
{
	const struct shared *s = &h->shared;
	struct sought sought = { .path = s->file.path, .fd = -1, .place = s->place, .whole = s->file.os.whole };
	struct failure failure = { NULL, NULL, 0, 0 };
	const char *text;

	ipclock__os_mutex_lock(&h->shared.mutex);
	failure.operation = h->operation;
	failure.error = h->error;
	failure.waited_ms = s->waited_ms;
	failure.reason = reasons[h->reason];
	ipclock__os_mutex_unlock(&h->shared.mutex);
	if (!s->file.path)
		sought.fd = s->file.os.fd;
	text = ipclock__message_text(&failure, s->file.path);
	return failure.error == EBUSY || failure.error == ETIMEDOUT ? name_holder(&sought, text) : text;
}

static const char *
message_of_thread(void)
{
	struct sought sought = { .path = ipclock__message_contended(), .fd = -1, .place = contended.place,
		.whole = contended.whole };
	const char *text = ipclock__message_last();

	return sought.path ? name_holder(&sought, text) : text;
}

const char *
ipclock__handle_message(struct handle *h)
{
	struct os_guard guard;
	const char *text;

	ipclock__os_enter(&guard);
	text = h ? message_of(h) : message_of_thread();
	ipclock__os_leave(&guard);
	return text;
}

int
ipclock__handle_held(struct handle *h)
{
	int held;

	if (!h)
		return 0;
	ipclock__os_mutex_lock(&h->shared.mutex);
	held = is_held(h);
	ipclock__os_mutex_unlock(&h->shared.mutex);
	return held;
}

static long
read_number(struct handle *h, const int *number)
{
	int n;

	ipclock__os_mutex_lock(&h->shared.mutex);
	n = *number;
	ipclock__os_mutex_unlock(&h->shared.mutex);
	return n;
}

long
ipclock__handle_attempts(struct handle *h)
{
	return h ? read_number(h, &h->shared.attempts) : 0;
}

long
ipclock__handle_waited_ms(struct handle *h)
{
	return h ? read_number(h, &h->shared.waited_ms) : 0;
}
