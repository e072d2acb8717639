/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Options become attributes, and errors statuses. */

#include <errno.h>

#include "system.h"
#include "waiting.h"

static bool
is_conflict(int error)
{
	return error == EBUSY || error == ETIMEDOUT;
}

/* The shell's descriptor is to hold when we are gone: refused where locks belong to a process. */
static unsigned
flags_of(const struct options *o)
{
	if (o->mode == MODE_UNLOCK)
		return IPCLOCK_UNFAIR | IPCLOCK_TRUST_PATH;
	return (o->unfair ? IPCLOCK_UNFAIR : 0) | (o->poll ? IPCLOCK_POLL : 0) | (o->file ? 0 : IPCLOCK_INHERIT) |
	    (o->unlink ? IPCLOCK_UNLINK : 0);
}

static int
set_attr(struct ipclock_attr *attr, const struct options *o)
{
	int error;

	error = ipclock_attr_set_protocol(attr, o->protocol);
	if (error == 0)
		error = ipclock_attr_set_flags(attr, flags_of(o));
	if (error == 0)
		error = ipclock_attr_set_backoff(attr, o->step_ms, o->max_ms);
	if (error == 0 && o->slot >= 0)
		error = ipclock_attr_set_slot(attr, (unsigned)o->slot);
	if (error == 0 && o->whole_file)
		error = ipclock_attr_set_range(attr, 0, 0);
	return error;
}

/* Makes the attributes: 0, or a status. */
static int
make_attr(struct ipclock_attr **attr, const struct options *o)
{
	int error = ipclock_attr_new(attr);

	if (error != 0) {
		complain("%s", ipclock_strerror(error));
		return STATUS_SYSTEM;
	}
	error = set_attr(*attr, o);
	if (error == 0)
		return 0;
	complain("%s", ipclock_strerror(error));
	ipclock_attr_free(*attr);
	return STATUS_USAGE;
}

static int
failed(struct hold *h, int error, int otherwise)
{
	if (!is_conflict(error) || h->options->verbose)
		complain("%s", h->kind->message(h));
	return is_conflict(error) ? h->options->conflict_status : status_of(error, otherwise);
}

/* What a system may not have. */
static const char *
missing(const struct options *o)
{
	return o->file == NULL ? "on this system a lock ends with its process: name a file and a command" :
	    o->unlink ? "--unlink: this system removes no file that is open" :
	    o->protocol == IPCLOCK_FLOCK ? "--protocol flock: this system has no such locks" : NULL;
}

static const struct hold_kind *
kind_of(const struct options *o)
{
	if (o->redis)
		return &hold_redis;
	return o->jobs ? &hold_semaphore : o->soft ? &hold_soft : o->pidfile ? &hold_pidfile : &hold_lock;
}

int
hold_open(struct hold *h, const struct options *o)
{
	struct ipclock_attr *attr;
	int error, status;

	*h = (struct hold){ .kind = kind_of(o), .options = o };
	status = make_attr(&attr, o);
	if (status != 0)
		return status;
	error = h->kind->open(h, attr);
	ipclock_attr_free(attr);
	if (error == ENOTSUP && missing(o) != NULL) {
		complain("%s", missing(o));
		return STATUS_LOCK;
	}
	if (error == ETIMEDOUT) { /* a server that does not answer: nobody is in the way */
		complain("%s", h->kind->message(h));
		return STATUS_OPEN;
	}
	return error == 0 ? 0 : failed(h, error, o->file != NULL && error != ENOTSUP ? STATUS_OPEN : STATUS_LOCK);
}

void
hold_lose(struct hold *h)
{
	h->lost = true;
	complain("%s; ending the command", h->kind->message(h));
}

int
hold_acquire(struct hold *h)
{
	int64_t since_us = now_us();
	int error = h->kind->acquire(h, 0);

	if (error == EBUSY && h->options->timeout_ms != 0)
		error = waiting(h, since_us);
	return error == 0 ? 0 : failed(h, error, h->kind->otherwise);
}
