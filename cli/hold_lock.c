/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A reader-writer lock: what `ipclock run` holds if nothing else is said. */

#include <errno.h>
#include <limits.h>

#include "waiting.h"

static int
open_lock(struct hold *h, struct ipclock_attr *attr)
{
	const struct options *o = h->options;

	return o->file != NULL ? ipclock_rw_open(&h->rw, o->file, attr) : ipclock_rw_open_fd(&h->rw, o->fd, attr);
}

/*
 * Requests of one open file description never conflict: what it holds can be
 * acquired again, and then released.  If it cannot, another holds the lock, and
 * there is nothing to release.  A descriptor that cannot read holds no read lock.
 */
static int
unlock(struct ipclock_rw *rw)
{
	static const struct {
		int (*acquire)(struct ipclock_rw *, int);
		int (*release)(struct ipclock_rw *);
	} modes[] = {
		{ ipclock_rw_acquire_read, ipclock_rw_release_read },
		{ ipclock_rw_acquire_write, ipclock_rw_release_write },
	};
	int error, i = 0;

	error = modes[i].acquire(rw, 0);
	if (error == EBADF)
		error = modes[++i].acquire(rw, 0);
	if (error == 0)
		error = modes[i].release(rw);
	return error == EBUSY ? 0 : error;
}

/* An event loop around start and step, so that a stop or an end of the process comes between two steps. */
static int
acquire(struct hold *h, int timeout_ms)
{
	const struct options *o = h->options;
	int ms, error;

	if (o->mode == MODE_UNLOCK) /* a file was opened just now: its descriptor holds nothing */
		return o->file == NULL ? unlock(h->rw) : 0;
	error = o->mode == MODE_READ ? ipclock_rw_start_read(h->rw, timeout_ms) :
	    ipclock_rw_start_write(h->rw, timeout_ms);
	while (error == EINPROGRESS) {
		error = ipclock_rw_step(h->rw, &ms);
		if (error == EINPROGRESS)
			error = waiting_pause(h->wait, ipclock_rw_pollfd(h->rw), ms >= 0 ? ms : INT_MAX);
	}
	if (error == EINTR)
		ipclock_rw_cancel(h->rw);
	return error;
}

static int
fd(struct hold *h)
{
	return ipclock_rw_fd(h->rw);
}

static const char *
message(struct hold *h)
{
	return ipclock_rw_message(h->rw);
}

static void
close_lock(struct hold *h)
{
	ipclock_rw_close(h->rw);
}

const struct hold_kind hold_lock = {
	.otherwise = STATUS_LOCK,
	.open = open_lock,
	.acquire = acquire,
	.fd = fd,
	.message = message,
	.close = close_lock,
};
