/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A POSIX named semaphore of 1; its name is gone as soon as it is open, and children inherit it. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#include "way.h"

static void *
open_sem(const struct way *way, const char *path, unsigned slot)
{
	char name[64];
	sem_t *s;

	(void)way;
	(void)path;
	snprintf(name, sizeof(name), "/ipclock-bench-%ld-%u", (long)getpid(), slot);
	s = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	if (s == SEM_FAILED)
		die(name);
	sem_unlink(name);
	return s;
}

static void
acquire(void *lock, int write)
{
	(void)write;
	while (sem_wait(lock) != 0)
		if (errno != EINTR)
			die("sem_wait");
}

static void
release(void *lock, int write)
{
	(void)write;
	if (sem_post(lock) != 0)
		die("sem_post");
}

static void
close_sem(void *lock)
{
	sem_close(lock);
}

const struct way sem_ways[] = {
	{ .name = "posix-sem", .open = open_sem, .acquire = acquire, .release = release, .close = close_sem,
	    .inherit = way_inherit },
	{ .name = NULL },
};
