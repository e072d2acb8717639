/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A pid file: --pidfile.  We become the command, so our pid is its pid. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "hold.h"

static int
open_pidfile(struct hold *h, struct ipclock_attr *attr)
{
	int error;

	(void)attr;
	h->other = -1;
	error = ipclock_pidfile_open(&h->pidfile, h->options->file, 0644, &h->other);
	return error == EEXIST ? EBUSY : error;
}

static int
acquire(struct hold *h, int timeout_ms)
{
	(void)timeout_ms;
	return ipclock_pidfile_write(h->pidfile);
}

static int
fd(struct hold *h)
{
	return ipclock_pidfile_fd(h->pidfile);
}

static const char *
message(struct hold *h)
{
	static char text[PATH_MAX + 64];

	if (h->other <= 0)
		return ipclock_message(NULL);
	snprintf(text, sizeof(text), "%s: already running, pid %ld", h->options->file, (long)h->other);
	return text;
}

static void
close_pidfile(struct hold *h)
{
	ipclock_pidfile_remove(h->pidfile);
}

const struct hold_kind hold_pidfile = {
	.otherwise = STATUS_IO,
	.open = open_pidfile,
	.acquire = acquire,
	.fd = fd,
	.message = message,
	.close = close_pidfile,
};
