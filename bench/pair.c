/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Acquire and release where nobody else is: time, system calls, and a loop for callgrind. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tests/calls.h"
#include "measure.h"
#include "pair.h"
#include "sample.h"

static const char *const modes[] = { "shared", "exclusive" };

void __attribute__((noinline))
bench_pairs(struct lock *l, int write, int times)
{
	while (times-- > 0) {
		lock_acquire(l, write);
		lock_release(l, write);
	}
}

double
pair_ns(struct lock *l, int write, int times)
{
	int64_t began;

	bench_pairs(l, write, 1 + times / 20);
	began = now_ns();
	bench_pairs(l, write, times);
	return (double)(now_ns() - began) / times;
}

/* Nanoseconds of a pair, from a Python process. */
static double
peer_pair_ns(const struct way *way, int times)
{
	const long long numbers[] = { times };
	int from[2];
	char path[64], line[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s.lock", way->name);
	if (pipe(from) != 0)
		die("pipe");
	if (fork() == 0) {
		dup2(from[1], STDOUT_FILENO);
		peer_exec("pair", way, path, numbers, 1);
	}
	close(from[1]);
	f = fdopen(from[0], "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		die("the Python process");
	fclose(f);
	wait(NULL);
	return atof(line);
}

static void
one(const struct way *way, int times)
{
	struct lock l;
	int write;

	if (way->python != NULL) {
		sample_add(way->name, modes[1], "ns", peer_pair_ns(way, times));
		return;
	}
	lock_open(&l, way, 0);
	for (write = 1; write >= !way->shares; write--)
		sample_add(way->name, modes[write], "ns", pair_ns(&l, write, times));
	lock_close(&l);
}

void
measure_pair(const struct task *t)
{
	int round, i;

	for (round = 0; round < t->rounds; round++)
		for (i = 0; i < t->ways_count; i++)
			one(t->ways[i], t->times);
	sample_print("pair", "", WAY_RAW);
}

void
measure_loop(const struct task *t)
{
	int i, write = t->readers == 0;
	struct lock l;

	for (i = 0; i < t->ways_count; i++) {
		lock_open(&l, t->ways[i], 0);
		lock_acquire(&l, write);
		lock_release(&l, write);
		bench_pairs(&l, write, t->times);
		lock_close(&l);
	}
}

struct counted {
	struct lock lock;
	const struct way *way;
	int write;
};

static void
before(void *ctx)
{
	struct counted *c = ctx;

	lock_open(&c->lock, c->way, 0);
	bench_pairs(&c->lock, c->write, 1);
}

static void
counted(void *ctx)
{
	struct counted *c = ctx;

	bench_pairs(&c->lock, c->write, 1);
}

void
measure_calls(const struct task *t)
{
	struct counted c;
	int i;

	for (i = 0; i < t->ways_count; i++) {
		c.way = t->ways[i];
		if (c.way->python != NULL)
			continue;
		for (c.write = 1; c.write >= !c.way->shares; c.write--) {
			long n = calls_count(before, counted, &c);

			if (n >= 0)
				sample_add(c.way->name, modes[c.write], "calls", (double)n);
		}
	}
	sample_print("calls", "", NULL);
}
