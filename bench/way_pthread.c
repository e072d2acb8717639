/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* In memory that processes share: a robust mutex, and a reader-writer lock, which is never robust. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "way.h"

static void
check(int error)
{
	errno = error;
	if (error != 0)
		die("pthread");
}

static void
make_mutex(void *at)
{
	pthread_mutexattr_t a;

	check(pthread_mutexattr_init(&a));
	check(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED));
	check(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	check(pthread_mutex_init(at, &a));
}

static void
make_rwlock(void *at)
{
	pthread_rwlockattr_t a;

	check(pthread_rwlockattr_init(&a));
	check(pthread_rwlockattr_setpshared(&a, PTHREAD_PROCESS_SHARED));
	check(pthread_rwlock_init(at, &a));
}

enum { MUTEX, RWLOCK, MAPPED = 4096 };

/* Children inherit it. */
static void *
open_mapped(const struct way *way, const char *path, unsigned slot)
{
	void *at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)path;
	(void)slot;
	if (at == MAP_FAILED)
		die("mmap");
	(way->kind == MUTEX ? make_mutex : make_rwlock)(at);
	return at;
}

static void
close_mapped(void *lock)
{
	munmap(lock, MAPPED);
}

static void
mutex_acquire(void *lock, int write)
{
	(void)write;
	check(pthread_mutex_lock(lock));
}

static void
mutex_release(void *lock, int write)
{
	(void)write;
	check(pthread_mutex_unlock(lock));
}

static void
rwlock_acquire(void *lock, int write)
{
	check(write ? pthread_rwlock_wrlock(lock) : pthread_rwlock_rdlock(lock));
}

static void
rwlock_release(void *lock, int write)
{
	(void)write;
	check(pthread_rwlock_unlock(lock));
}

const struct way pthread_ways[] = {
	{ .name = "pthread-mutex", .open = open_mapped, .acquire = mutex_acquire, .release = mutex_release,
	    .close = close_mapped, .inherit = way_inherit, .kind = MUTEX },
	{ .name = "pthread-rwlock", .open = open_mapped, .acquire = rwlock_acquire, .release = rwlock_release,
	    .close = close_mapped, .inherit = way_inherit, .kind = RWLOCK, .shares = 1 },
	{ .name = NULL },
};
