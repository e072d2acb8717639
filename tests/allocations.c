/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Stands before the system's allocator, counts, and refuses if told to. */
#define _GNU_SOURCE

#include "allocations.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static atomic_long count, fails_at;

long
allocations(void)
{
	return count;
}

void
allocations_fail(long nth)
{
	fails_at = nth;
}

static int
refused(void)
{
	count++;
	return fails_at > 0 && --fails_at == 0;
}

void *
malloc(size_t size)
{
	static void *(*next)(size_t);

	if (refused())
		return NULL;
	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "malloc");
	return next(size);
}

void *
calloc(size_t n, size_t size)
{
	static void *(*next)(size_t, size_t);

	if (refused())
		return NULL;
	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "calloc");
	return next(n, size);
}

void *
realloc(void *old, size_t size)
{
	static void *(*next)(void *, size_t);

	if (refused())
		return NULL;
	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "realloc");
	return next(old, size);
}
