/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stdio.h>
#include <stdlib.h>

#include <ipclock.h>

#include "way.h"

enum { LONG_MS = 3600000 }; /* a timeout that does not pass */

struct handle {
	struct ipclock_rw *rw;
	int timeout_ms;
};

static void
check(struct ipclock_rw *rw, int error)
{
	if (error == 0)
		return;
	fprintf(stderr, "%s\n", ipclock_rw_message(rw));
	exit(1);
}

static void *
open_handle(const struct way *way, const char *path, unsigned slot)
{
	struct handle *h = must_allocate(sizeof(*h));
	struct ipclock_attr *attr;

	h->timeout_ms = way->timeout_ms;
	if (ipclock_attr_new(&attr) != 0 || ipclock_attr_set_flags(attr, way->flags) != 0 ||
	    ipclock_attr_set_protocol(attr, way->kind) != 0 || (slot > 0 && ipclock_attr_set_slot(attr, slot) != 0) ||
	    ipclock_rw_open(&h->rw, path, attr) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		exit(1);
	}
	ipclock_attr_free(attr);
	return h;
}

static void
acquire(void *lock, int write)
{
	struct handle *h = lock;

	if (write)
		check(h->rw, ipclock_rw_acquire_write(h->rw, h->timeout_ms));
	else
		check(h->rw, ipclock_rw_acquire_read(h->rw, h->timeout_ms));
}

static void
release(void *lock, int write)
{
	struct handle *h = lock;

	check(h->rw, write ? ipclock_rw_release_write(h->rw) : ipclock_rw_release_read(h->rw));
}

static void
close_handle(void *lock)
{
	struct handle *h = lock;

	ipclock_rw_close(h->rw);
	free(h);
}

#define ROW .open = open_handle, .acquire = acquire, .release = release, .close = close_handle, .shares = 1

const struct way ipclock_ways[] = {
	{ .name = "ipclock", ROW, .timeout_ms = IPCLOCK_FOREVER },
	{ .name = "ipclock-timed", ROW, .timeout_ms = LONG_MS },
	{ .name = "ipclock-trust", ROW, .timeout_ms = IPCLOCK_FOREVER, .flags = IPCLOCK_TRUST_PATH },
	{ .name = "ipclock-unfair", ROW, .timeout_ms = IPCLOCK_FOREVER, .flags = IPCLOCK_UNFAIR },
	{ .name = "ipclock-unfair-timed", ROW, .timeout_ms = LONG_MS, .flags = IPCLOCK_UNFAIR },
	{ .name = "ipclock-trust-unfair", ROW, .timeout_ms = IPCLOCK_FOREVER, .flags = IPCLOCK_TRUST_PATH | IPCLOCK_UNFAIR },
	{ .name = "ipclock-poll", ROW, .timeout_ms = LONG_MS, .flags = IPCLOCK_POLL },
	{ .name = "ipclock-recursive", ROW, .timeout_ms = IPCLOCK_FOREVER, .flags = IPCLOCK_RECURSIVE },
	{ .name = "ipclock-interruptible", ROW, .timeout_ms = IPCLOCK_FOREVER, .flags = IPCLOCK_INTERRUPTIBLE },
	{ .name = "ipclock-unlink", ROW, .timeout_ms = IPCLOCK_FOREVER, .flags = IPCLOCK_UNLINK },
	{ .name = "ipclock-flock", ROW, .timeout_ms = IPCLOCK_FOREVER, .kind = IPCLOCK_FLOCK },
	{ .name = NULL },
};
