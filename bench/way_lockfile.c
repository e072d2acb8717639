/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* liblockfile: a file that is there means locked; who waits looks again after 5 s, then 10, 15 ... */
#include <stdlib.h>
#include <string.h>

#include <lockfile.h>

#include "way.h"

static void *
open_path(const struct way *way, const char *path, unsigned slot)
{
	char *copy = strdup(path);

	(void)way;
	(void)slot;
	if (copy == NULL)
		die("memory");
	return copy;
}

static void
acquire(void *lock, int write)
{
	(void)write;
	if (lockfile_create(lock, 1000, L_PID) != 0)
		die("lockfile_create");
}

static void
release(void *lock, int write)
{
	(void)write;
	if (lockfile_remove(lock) != 0)
		die("lockfile_remove");
}

const struct way lockfile_ways[] = {
	{ .name = "liblockfile", .open = open_path, .acquire = acquire, .release = release, .close = free },
	{ .name = NULL },
};
