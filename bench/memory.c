/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What a handle and a waiter cost, and what becomes of it with many. Each answer comes from a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "pair.h"
#include "sample.h"

enum { HANDLES = 1000, PAIRS = 2000, SPARE_DESCRIPTORS = 50 };

struct answer {
	double rss, open_us, pair_ns;
	int done;
};

static struct answer *answer;

/* Bytes of memory that the process, or this one if 0, has written to; 0 where that cannot be known. */
static double
touched(pid_t pid)
{
	char path[40] = "/proc/self/status", line[200];
	double kib = 0;
	FILE *f;

	if (pid != 0)
		snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %lf", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib * 1024;
}

enum shape { SHAPE_HANDLES, SHAPE_SLOTS, SHAPE_FILES };

static const char *const shapes[] = { "handles", "slots", "files" };

static void
open_nth(struct lock *l, const struct way *way, enum shape shape, int i)
{
	char name[32];
	struct way other = *way;

	if (shape == SHAPE_FILES) {
		snprintf(name, sizeof(name), "file%d", i);
		other.name = name;
	}
	lock_open(l, &other, shape == SHAPE_SLOTS ? (unsigned)i : 0);
	l->way = way;
}

/* Opens n; of slots and files all but the last are held. */
static void
grow(const struct way *way, enum shape shape, int n)
{
	struct lock *locks = must_allocate((unsigned long)n * sizeof(*locks));
	double before;
	int64_t began;
	int i;

	memset(locks, 1, (size_t)n * sizeof(*locks));
	before = touched(0);
	began = now_ns();
	for (i = 0; i < n; i++)
		open_nth(&locks[i], way, shape, i);
	answer->open_us = (double)(now_ns() - began) / 1e3 / n;
	answer->rss = (touched(0) - before) / n;
	for (i = 0; shape != SHAPE_HANDLES && i < n - 1; i++)
		lock_acquire(&locks[i], 1);
	answer->pair_ns = pair_ns(&locks[n - 1], 1, PAIRS);
	answer->done = 1;
}

static void
in_child(const struct way *way, enum shape shape, int n)
{
	int status;
	pid_t pid;

	memset(answer, 0, sizeof(*answer));
	pid = fork();
	if (pid == 0) {
		grow(way, shape, n);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !answer->done)
		die("a process with many handles");
}

static void
begin(void)
{
	struct rlimit most;

	answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answer == MAP_FAILED)
		die("mmap");
	if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
		most.rlim_cur = most.rlim_max;
		setrlimit(RLIMIT_NOFILE, &most);
	}
}

static double
waiter_bytes(const struct way *way)
{
	struct lock l, waiter;
	double before;
	pid_t pid;

	memset(answer, 0, sizeof(*answer));
	lock_open(&l, way, 0);
	lock_acquire(&l, 1);
	pid = fork();
	if (pid == 0) {
		waiter = l;
		lock_inherit(&waiter);
		answer->rss = touched(0);
		answer->done = 1;
		lock_acquire(&waiter, 1);
		lock_release(&waiter, 1);
		_exit(0);
	}
	pause_ns(100000000);
	before = answer->rss;
	if (!answer->done)
		die("a waiter");
	before = touched(pid) - before;
	lock_release(&l, 1);
	waitpid(pid, NULL, 0);
	lock_close(&l);
	return before;
}

void
measure_memory(const struct task *t)
{
	int round, i;

	begin();
	for (round = 0; round < t->rounds; round++)
		for (i = 0; i < t->ways_count; i++) {
			in_child(t->ways[i], SHAPE_HANDLES, HANDLES);
			sample_add(t->ways[i]->name, "handle", "bytes", answer->rss);
			sample_add(t->ways[i]->name, "waiter", "bytes", waiter_bytes(t->ways[i]));
		}
	sample_print("memory", "", NULL);
}

static void
step(const struct task *t, enum shape shape, int n)
{
	char parameter[40];
	int round, i;

	for (round = 0; round < t->rounds; round++)
		for (i = 0; i < t->ways_count; i++) {
			in_child(t->ways[i], shape, n);
			sample_add(t->ways[i]->name, "open", "us", answer->open_us);
			sample_add(t->ways[i]->name, "pair", "ns", answer->pair_ns);
		}
	snprintf(parameter, sizeof(parameter), "%d %s", n, shapes[shape]);
	sample_print("growth", parameter, WAY_RAW);
}

void
measure_growth(const struct task *t)
{
	struct rlimit most;
	enum shape shape;
	int n;

	begin();
	if (getrlimit(RLIMIT_NOFILE, &most) != 0)
		die("getrlimit");
	for (shape = SHAPE_HANDLES; shape <= SHAPE_FILES; shape++)
		for (n = 1; n <= t->times && (rlim_t)n + SPARE_DESCRIPTORS <= most.rlim_cur; n *= 10)
			step(t, shape, n);
}
