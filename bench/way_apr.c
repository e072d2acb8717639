/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The Apache Portable Runtime: apr_file_lock(), and apr_proc_mutex in its kinds. */
#include <stdio.h>
#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_proc_mutex.h>

#include "way.h"

struct handle {
	apr_pool_t *pool;
	apr_file_t *file;
	apr_proc_mutex_t *mutex;
	char *path;
};

static void
check(apr_status_t status)
{
	char text[120];

	if (status == APR_SUCCESS)
		return;
	fprintf(stderr, "apr: %s\n", apr_strerror(status, text, sizeof(text)));
	exit(1);
}

static struct handle *
new_handle(void)
{
	struct handle *h = must_allocate(sizeof(*h));

	check(apr_initialize());
	check(apr_pool_create(&h->pool, NULL));
	return h;
}

static void
close_handle(void *lock)
{
	struct handle *h = lock;

	apr_pool_destroy(h->pool);
	free(h);
}

static void *
file_open(const struct way *way, const char *path, unsigned slot)
{
	struct handle *h = new_handle();

	(void)way;
	(void)slot;
	check(apr_file_open(&h->file, path, APR_READ | APR_WRITE | APR_CREATE, APR_OS_DEFAULT, h->pool));
	return h;
}

static void
file_acquire(void *lock, int write)
{
	struct handle *h = lock;

	check(apr_file_lock(h->file, write ? APR_FLOCK_EXCLUSIVE : APR_FLOCK_SHARED));
}

static void
file_release(void *lock, int write)
{
	struct handle *h = lock;

	(void)write;
	check(apr_file_unlock(h->file));
}

static void *
mutex_open(const struct way *way, const char *path, unsigned slot)
{
	struct handle *h = new_handle();

	(void)slot;
	check(apr_proc_mutex_create(&h->mutex, path, (apr_lockmech_e)way->kind, h->pool));
	return h;
}

static void
mutex_inherit(void *lock)
{
	struct handle *h = lock;

	check(apr_proc_mutex_child_init(&h->mutex, apr_proc_mutex_lockfile(h->mutex), h->pool));
}

static void
mutex_acquire(void *lock, int write)
{
	(void)write;
	check(apr_proc_mutex_lock(((struct handle *)lock)->mutex));
}

static void
mutex_release(void *lock, int write)
{
	(void)write;
	check(apr_proc_mutex_unlock(((struct handle *)lock)->mutex));
}

#define MUTEX \
	.open = mutex_open, .acquire = mutex_acquire, .release = mutex_release, .close = close_handle, .inherit = mutex_inherit

const struct way apr_ways[] = {
	{ .name = "apr-file", .open = file_open, .acquire = file_acquire, .release = file_release, .close = close_handle,
	    .shares = 1 },
	{ .name = "apr-fcntl", MUTEX, .kind = APR_LOCK_FCNTL },
	{ .name = "apr-sysvsem", MUTEX, .kind = APR_LOCK_SYSVSEM },
	{ .name = "apr-pthread", MUTEX, .kind = APR_LOCK_PROC_PTHREAD },
	{ .name = "apr-default", MUTEX, .kind = APR_LOCK_DEFAULT },
	{ .name = NULL },
};
