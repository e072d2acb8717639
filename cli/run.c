/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* `ipclock run`: acquire, then become the command, so that its descriptor holds the lock. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "cli.h"

static bool
is_conflict(int error)
{
	return error == EBUSY || error == ETIMEDOUT;
}

/* The status for an error, or otherwise where it has none of its own. */
static int
status_of(int error, int otherwise)
{
	switch (error) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOLCK:
		return STATUS_SYSTEM;
	case EROFS:
	case ENOSPC:
		return STATUS_CREATE;
	case EACCES: /* the file could only be opened for reading */
		return STATUS_OPEN;
	default:
		return otherwise;
	}
}

/* The shell's descriptor is to hold when we are gone: refused where locks belong to a process. */
static unsigned
flags_of(const struct options *o)
{
	if (o->mode == MODE_UNLOCK)
		return IPCLOCK_UNFAIR | IPCLOCK_TRUST_PATH;
	return (o->unfair ? IPCLOCK_UNFAIR : 0) | (o->poll ? IPCLOCK_POLL : 0) | (o->file ? 0 : IPCLOCK_INHERIT);
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
	if (error == ENOTSUP)
		complain("--protocol %s: this build has no such locks", o->protocol == IPCLOCK_FLOCK ? "flock" : "range");
	else
		complain("%s", ipclock_strerror(error));
	ipclock_attr_free(*attr);
	return STATUS_USAGE;
}

static int
open_lock(struct ipclock_rw **rw, const struct options *o)
{
	struct ipclock_attr *attr;
	int error, status;

	status = make_attr(&attr, o);
	if (status != 0)
		return status;
	if (o->file != NULL)
		error = ipclock_rw_open(rw, o->file, attr);
	else
		error = ipclock_rw_open_fd(rw, o->fd, attr);
	if (error != 0) {
		if (error == ENOTSUP)
			complain("on this system a lock ends with its process: name a file and a command");
		else
			complain("%s", ipclock_rw_message(NULL));
		status = status_of(error, o->file != NULL ? STATUS_OPEN : STATUS_LOCK);
	}
	ipclock_attr_free(attr);
	return status;
}

static int
failed(struct ipclock_rw *rw, const struct options *o, int error)
{
	if (!is_conflict(error) || o->verbose)
		complain("%s", ipclock_rw_message(rw));
	return is_conflict(error) ? o->conflict_status : status_of(error, STATUS_LOCK);
}

int
run_start(struct ipclock_rw *rw, const struct options *o, int timeout_ms)
{
	return o->mode == MODE_READ ? ipclock_rw_start_read(rw, timeout_ms) : ipclock_rw_start_write(rw, timeout_ms);
}

static int
acquire(struct ipclock_rw *rw, const struct options *o)
{
	int64_t since_us = now_us();
	int error = run_start(rw, o, 0);

	if (error == EBUSY && o->timeout_ms != 0)
		error = waiting(rw, o, since_us);
	return error == 0 ? 0 : failed(rw, o, error);
}

/*
 * Requests of one open file description never conflict: what it holds can be
 * acquired again, and then released.  If it cannot, another holds the lock, and
 * there is nothing to release.  A descriptor that cannot read holds no read lock.
 */
static int
unlock(struct ipclock_rw *rw, const struct options *o)
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
	return error == 0 || error == EBUSY ? 0 : failed(rw, o, error);
}

/* A file was opened just now, and its descriptor holds nothing to release. */
static int
lock(struct ipclock_rw *rw, const struct options *o)
{
	int64_t since_us = now_us();
	int status = 0;

	if (o->mode != MODE_UNLOCK)
		status = acquire(rw, o);
	else if (o->file == NULL)
		status = unlock(rw, o);
	if (status == 0 && o->verbose) {
		since_us = now_us() - since_us;
		status = print("ipclock: getting lock took %d.%06d seconds\n", (int)(since_us / 1000000),
		    (int)(since_us % 1000000));
	}
	return status;
}

static int
execute(struct ipclock_rw *rw, const struct options *o)
{
	int status;

	if (o->verbose && (status = print("ipclock: executing %s\n", o->command[0])) != 0)
		return status;
	if (!o->close) {
		fcntl(ipclock_rw_fd(rw), F_SETFD, 0);
		return child_exec(o->command);
	}
	status = child_run(o->command);
	ipclock_rw_close(rw);
	return status;
}

int
run_main(int argc, char **argv)
{
	struct options o;
	struct ipclock_rw *rw;
	int status;

	status = options_parse(&o, argc, argv);
	if (status != GO_ON)
		return status;
	status = open_lock(&rw, &o);
	if (status == 0)
		status = lock(rw, &o);
	/* The shell's descriptor goes on holding: the handle is not closed. */
	if (status == 0 && o.command != NULL)
		status = execute(rw, &o);
	return status;
}
