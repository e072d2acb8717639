/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The pid file: a handle, held exclusively, whose file is written.  The calls
 * are those of pidfile_open(3) in FreeBSD.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <ipclock/pidfile.h>

#include "attr.h"
#include "backoff.h"
#include "handle.h"
#include "lock_file.h"
#include "message.h"
#include "os.h"
#include "os_pidfile.h"

#define MOST_PAUSES 4    /* for another's pid: 10 + 20 + 30 + 40 ms */
#define PARENT_MS   1000 /* for a parent that is about to exit to let go */

static struct handle *
handle(struct ipclock_pidfile *pidfile)
{
	return (struct handle *)(void *)pidfile;
}

static const char *
reason_of(int error)
{
	switch (error) {
	case EBADF:
		return "its descriptor was closed by other code, and the lock is lost";
	case EEXIST:
		return "another instance holds it";
	case EPERM:
		return "it is another process's";
	case ESTALE:
		return "it was removed or replaced";
	default:
		return NULL;
	}
}

/* 0: there is none yet; -1: something else. */
static long
pid_in(const struct handle *h)
{
	char text[32], *end;
	long long pid; /* what is too long for it is too large for an int, also where a long is one */

	ipclock__os_pidfile_read(&h->shared.file.os, text, sizeof(text));
	if (!*text)
		return 0;
	pid = strtoll(text, &end, 10);
	return pid > 0 && pid <= INT_MAX && (*end == '\n' || *end == '\0') ? (long)pid : -1;
}

/* ---- open ---- */

/* One try, but for another that holds it and has not written its pid: it may be about to, or to go. */
static int
lock(struct handle *h, long *other)
{
	const struct backoff *backoff = &ipclock__attr_defaults.options.backoff;
	unsigned n;
	int r;

	for (n = 0;; n++) {
		r = ipclock__handle_acquire(h, OS_EXCLUSIVE, 0);
		if (r != EBUSY)
			return r;
		*other = pid_in(h);
		if (*other || n == MOST_PAUSES)
			return EEXIST;
		ipclock__os_sleep_until(ipclock__os_now() + OS_MS * ipclock__backoff_pause(backoff, n, &h->shared.seed));
	}
}

/* A string that lives until this thread's next message. */
static const char *
name_other(long pid)
{
	static _Thread_local char text[64];

	if (pid <= 0)
		return "another instance holds it, and has written no pid";
	snprintf(text, sizeof(text), "another instance holds it, with pid %ld", pid);
	return text;
}

static int
open_locked(struct handle **h, const char *path, unsigned mode, long *other)
{
	struct ipclock_attr attr = ipclock__attr_defaults;
	int r;

	attr.perm = mode;
	attr.options.inherit = ipclock__os_range_inherits();
	r = ipclock__handle_open(h, path, &attr);
	if (r)
		return r;
	r = lock(*h, other);
	if (r == 0)
		r = ipclock__os_pidfile_write(&(*h)->shared.file.os, "");
	if (r) {
		ipclock__handle_close(*h);
		*h = NULL;
		ipclock__message_outcome("open pid file", path, r == EEXIST ? name_other(*other) : NULL, r);
	}
	return r;
}

int
ipclock_pidfile_open(struct ipclock_pidfile **pidfile, const char *path, unsigned mode, pid_t *other)
{
	struct os_guard guard;
	struct handle *h = NULL;
	long pid = 0;
	int r;

	if (other)
		*other = -1;
	if (!pidfile)
		return ipclock__message_outcome("open pid file", path, "no place to put the handle: NULL", EINVAL);
	*pidfile = NULL;
	if (mode > 0777)
		return ipclock__message_outcome("open pid file", path, "permissions are 0 to 0777", EINVAL);
	ipclock__os_enter(&guard);
	r = open_locked(&h, path, mode, &pid);
	ipclock__os_leave(&guard);
	*pidfile = (struct ipclock_pidfile *)(void *)h;
	if (r == EEXIST && other && pid > 0)
		*other = (pid_t)pid;
	return r;
}

/* ---- write ---- */

/* Is it still ours to write to and to remove: lock, descriptor and path? */
static int
verify(const struct handle *h)
{
	const struct lock_file *file = &h->shared.file;

	if (!h->shared.local.writer)
		return EPERM;
	return ipclock__os_check(&file->os) ? EBADF : ipclock__lock_file_check(file);
}

/* Held, but in the child of a fork where locks do not pass. */
static int
hold(struct handle *h)
{
	int r = ipclock__handle_held(h) ? 0 : ipclock__handle_acquire(h, OS_EXCLUSIVE, PARENT_MS);

	return r == ETIMEDOUT ? EEXIST : r;
}

static int
write_pid(struct handle *h)
{
	char text[32];
	int r = verify(h);

	snprintf(text, sizeof(text), "%ld\n", ipclock__os_pid());
	return r ? r : ipclock__os_pidfile_write(&h->shared.file.os, text);
}

int
ipclock_pidfile_write(struct ipclock_pidfile *pidfile)
{
	struct handle *h = handle(pidfile);
	struct os_guard guard;
	int r;

	if (!h)
		return ipclock__message_outcome("write pid file", NULL, "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	r = hold(h);
	if (r == 0) {
		ipclock__os_mutex_lock(&h->shared.mutex);
		r = write_pid(h);
		ipclock__os_mutex_unlock(&h->shared.mutex);
	}
	ipclock__message_outcome("write pid file", h->shared.file.path, reason_of(r), r);
	ipclock__os_leave(&guard);
	return r;
}

/* ---- close and remove ---- */

/*
 * Another process may have the same open file description: it is closed, never
 * unlocked.  A number that stands for another file by now is not ours to close.
 */
static void
disown(struct handle *h)
{
	ipclock__os_mutex_lock(&h->shared.mutex);
	h->shared.local.writer = false;
	h->shared.file.writer = 0;
	if (ipclock__os_check(&h->shared.file.os))
		h->shared.file.os.fd = -1;
	ipclock__os_mutex_unlock(&h->shared.mutex);
}

int
ipclock_pidfile_close(struct ipclock_pidfile *pidfile)
{
	struct handle *h = handle(pidfile);
	struct os_guard guard;

	if (!h)
		return ipclock__message_outcome("close pid file", NULL, "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	disown(h);
	ipclock__os_leave(&guard);
	return ipclock__handle_close(h);
}

static int
remove_file(struct handle *h)
{
	int r = verify(h);
	long pid;

	if (r)
		return r;
	pid = pid_in(h);
	if (pid && pid != ipclock__os_pid())
		return EPERM;
	r = ipclock__os_pidfile_remove(&h->shared.file.os, h->shared.file.path);
	return r == ENOENT ? ESTALE : r;
}

/* The lock of a file that has no name any more is nobody's: it is given back, for those who wait. */
int
ipclock_pidfile_remove(struct ipclock_pidfile *pidfile)
{
	struct handle *h = handle(pidfile);
	struct os_guard guard;
	int r;

	if (!h)
		return ipclock__message_outcome("remove pid file", NULL, "no handle: NULL", EINVAL);
	ipclock__os_enter(&guard);
	r = remove_file(h);
	ipclock__message_outcome("remove pid file", h->shared.file.path, reason_of(r), r);
	ipclock__os_leave(&guard);
	return r ? r : ipclock__handle_close(h);
}

int
ipclock_pidfile_fd(struct ipclock_pidfile *pidfile)
{
	return ipclock__handle_fd(handle(pidfile));
}
