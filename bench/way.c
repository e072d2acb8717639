/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "way.h"

/* What configure did not find is not linked: its table is at address 0. */
#pragma weak apr_ways
#pragma weak boost_ways
#pragma weak lockfile_ways
#pragma weak sqlite_ways

static const struct family {
	const struct way *ways;
	const char *names, *package;
} families[] = {
	{ raw_ways, NULL, NULL },
	{ ipclock_ways, NULL, NULL },
	{ pthread_ways, NULL, NULL },
	{ sem_ways, NULL, NULL },
	{ apr_ways, "apr-file apr-fcntl apr-sysvsem apr-pthread apr-default", "libapr1-dev" },
	{ boost_ways, "boost-file boost-sharable", "libboost-dev" },
	{ lockfile_ways, "liblockfile", "liblockfile-dev" },
	{ sqlite_ways, "sqlite", "libsqlite3-dev" },
	{ peer_ways, NULL, NULL },
};

enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

void
die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static const struct way *
find_among(const struct way *ways, const char *name)
{
	for (; ways != NULL && ways->name != NULL; ways++)
		if (strcmp(name, ways->name) == 0)
			return ways;
	return NULL;
}

const struct way *
way_find(const char *name)
{
	int i;

	for (i = 0; i < FAMILIES; i++) {
		const struct way *way = find_among(families[i].ways, name);

		if (way != NULL)
			return way->python == NULL || peer_is_here(way) ? way : NULL;
		if (families[i].ways == NULL && strstr(families[i].names, name) != NULL)
			return NULL;
	}
	fprintf(stderr, "there is no way %s\n", name);
	exit(2);
}

void
way_list(void)
{
	const struct way *way;
	int i;

	for (i = 0; i < FAMILIES; i++) {
		if (families[i].ways == NULL)
			printf("%s missing %s\n", families[i].names, families[i].package);
		for (way = families[i].ways; way != NULL && way->name != NULL; way++)
			if (way->python == NULL || peer_is_here(way))
				printf("%s here\n", way->name);
			else
				printf("%s missing python3-%s\n", way->name, way->python);
	}
}

void
way_inherit(void *lock)
{
	(void)lock;
}

void
lock_open(struct lock *l, const struct way *way, unsigned slot)
{
	l->way = way;
	snprintf(l->path, sizeof(l->path), "%s.lock", way->name);
	l->state = way->open(way, l->path, slot);
}

void
lock_inherit(struct lock *l)
{
	if (l->way->inherit != NULL)
		l->way->inherit(l->state);
	else
		lock_open(l, l->way, 0);
}

void
lock_acquire(struct lock *l, int write)
{
	l->way->acquire(l->state, write);
}

void
lock_release(struct lock *l, int write)
{
	l->way->release(l->state, write);
}

void
lock_close(struct lock *l)
{
	l->way->close(l->state);
}

int
must_open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		die(path);
	return fd;
}

void *
must_allocate(unsigned long size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		die("memory");
	return p;
}
