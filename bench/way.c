/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* F_OFD_SETLKW */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "way.h"

#define PYTHON "/usr/bin/python3"

static const struct way ways[] = {
	{ .name = "forever", .timeout_ms = IPCLOCK_FOREVER },
	{ .name = "timed", .timeout_ms = 600000 },
	{ .name = "poll", .timeout_ms = 600000, .flags = IPCLOCK_POLL },
	{ .name = "unfair", .timeout_ms = IPCLOCK_FOREVER, .flags = IPCLOCK_UNFAIR },
	{ .name = "unfair-timed", .timeout_ms = 600000, .flags = IPCLOCK_UNFAIR },
	{ .name = "raw", .raw = 1 },
	{ .name = "fasteners", .raw = 1, .python = 1 },
};

void
die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

const struct way *
way_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(name, ways[i].name) == 0)
			return &ways[i];
	fprintf(stderr, "there is no way %s\n", name);
	exit(2);
}

int
way_works(const struct way *way)
{
	int status;
	pid_t pid;

	if (!way->python)
		return 1;
	pid = fork();
	if (pid == 0) {
		execl(PYTHON, PYTHON, "-c", "import importlib.util as u, sys; sys.exit(not u.find_spec('fasteners'))", (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

void
way_exec_peer(char *const args[])
{
	char python[] = PYTHON;
	char *argv[16] = { python, getenv("PEER") };
	size_t n = 2;

	while (n < 15 && *args != NULL)
		argv[n++] = *args++;
	if (argv[1] != NULL)
		execv(PYTHON, argv);
	die("bench/peer.py, to be named by PEER");
}

void
lock_open(struct lock *l, const struct way *way, const char *path)
{
	struct ipclock_attr *attr;

	*l = (struct lock){ .way = way, .fd = -1 };
	if (way->raw) {
		l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (l->fd < 0)
			die(path);
		return;
	}
	if (ipclock_attr_new(&attr) != 0 || ipclock_attr_set_flags(attr, way->flags) != 0 ||
	    ipclock_rw_open(&l->rw, path, attr) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		exit(1);
	}
	ipclock_attr_free(attr);
}

static void
raw(struct lock *l, int type)
{
	struct flock whole = { .l_type = (short)type, .l_whence = SEEK_SET };

	if (fcntl(l->fd, F_OFD_SETLKW, &whole) != 0)
		die("F_OFD_SETLKW");
}

static void
check(struct lock *l, int error)
{
	if (error == 0)
		return;
	fprintf(stderr, "%s\n", ipclock_rw_message(l->rw));
	exit(1);
}

void
lock_acquire(struct lock *l, int write)
{
	if (l->way->raw)
		raw(l, write ? F_WRLCK : F_RDLCK);
	else if (write)
		check(l, ipclock_rw_acquire_write(l->rw, l->way->timeout_ms));
	else
		check(l, ipclock_rw_acquire_read(l->rw, l->way->timeout_ms));
}

void
lock_release(struct lock *l, int write)
{
	if (l->way->raw)
		raw(l, F_UNLCK);
	else
		check(l, write ? ipclock_rw_release_write(l->rw) : ipclock_rw_release_read(l->rw));
}

int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void
pause_ns(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

int64_t
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

int64_t
switches(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_nvcsw + u.ru_nivcsw;
}
