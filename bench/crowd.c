/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Who gets how many turns: so many writers, readers and processes that do now
 * this, now that, all of which lock, hold and release without a pause.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "sample.h"

enum { MOST_WORKERS = 160, SPIN_NS = 100000 };

/* bench/peer.py maps it, too: numbers of 64 bits, in this order. */
struct worker {
	atomic_llong ready, grants, most_passed, passed_often, worst_ns[2], cpu_us, switches; /* worst: read, write */
};

struct table {
	atomic_llong go, end_ns, grants, often;
	struct worker worker[MOST_WORKERS];
};

static struct table *table;
static int table_fd;

static void
set_most(atomic_llong *most, long long value)
{
	if (value > *most)
		*most = value;
}

static void
hold(int64_t ns)
{
	int64_t end = now_ns() + ns;

	if (ns >= SPIN_NS)
		pause_ns(ns);
	while (ns < SPIN_NS && now_ns() < end)
		;
}

/* The first are writers, then come the readers, then those that do both. */
static int
read_percent(const struct task *t, int i)
{
	if (i < t->writers)
		return 0;
	return i < t->writers + t->readers ? 100 : t->read_percent;
}

static void
take_turns(struct lock *l, struct worker *w, int percent, int64_t hold_ns)
{
	unsigned seed = (unsigned)getpid();
	int64_t asked;

	while ((asked = now_ns()) < table->end_ns) {
		long long turn = table->grants, passed;
		int write = rand_r(&seed) % 100 >= percent;

		lock_acquire(l, write);
		passed = table->grants++ - turn;
		w->grants++;
		w->passed_often += passed > table->often;
		set_most(&w->most_passed, passed);
		set_most(&w->worst_ns[write], now_ns() - asked);
		hold(hold_ns);
		lock_release(l, write);
	}
}

static void
become_peer(struct lock *l, int i, const struct task *t)
{
	const long long numbers[] = {
		table_fd, sizeof(*table), i, 4, sizeof(struct worker) / sizeof(atomic_llong), read_percent(t, i), t->hold_ns
	};

	peer_exec("crowd", l->way, l->path, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

static void
work(struct lock *l, int i, const struct task *t)
{
	struct worker *w = &table->worker[i];
	int64_t cpu, switched;

	if (l->way->python != NULL)
		become_peer(l, i, t);
	lock_inherit(l);
	w->ready = 1;
	while (!table->go)
		pause_ns(500000);
	cpu = cpu_us();
	switched = switches();
	take_turns(l, w, read_percent(t, i), t->hold_ns);
	w->cpu_us = cpu_us() - cpu;
	w->switches = switches() - switched;
}

static void
run(const struct way *way, const struct task *t, int n)
{
	int i, status;
	struct lock l;

	memset(table, 0, sizeof(*table));
	table->often = n;
	lock_open(&l, way, 0);
	for (i = 0; i < n; i++)
		if (fork() == 0) {
			work(&l, i, t);
			_exit(0);
		}
	for (i = 0; i < n; i++)
		while (!table->worker[i].ready) {
			if (waitpid(-1, &status, WNOHANG) != 0)
				die(way->name);
			pause_ns(1000000);
		}
	table->end_ns = now_ns() + (int64_t)(t->seconds * 1e9);
	table->go = 1;
	while (wait(&status) > 0)
		if (status != 0)
			die(way->name);
	lock_close(&l);
}

/* The turns of the one of these who had fewest. */
static void
add_turns(const struct way *way, const char *fewest_name, const char *most_name, int from, int to)
{
	long long fewest = table->worker[from].grants, most = fewest;
	int i;

	if (from == to)
		return;
	for (i = from; i < to; i++) {
		long long n = table->worker[i].grants;

		fewest = n < fewest ? n : fewest;
		most = n > most ? n : most;
	}
	sample_add(way->name, fewest_name, "turns", (double)fewest);
	sample_add(way->name, most_name, "turns", (double)most);
	if (from == 0)
		sample_add(way->name, "even", "fewest/most", most > 0 ? (double)fewest / (double)most : 0);
}

static void
add(const struct way *way, const struct task *t, int n)
{
	double grants = 0, cpu = 0, switched = 0, often = 0, most_passed = 0, worst[2] = { 0, 0 };
	int i, write;

	for (i = 0; i < n; i++) {
		const struct worker *w = &table->worker[i];

		grants += (double)w->grants;
		cpu += (double)w->cpu_us;
		switched += (double)w->switches;
		often += (double)w->passed_often;
		most_passed = (double)w->most_passed > most_passed ? (double)w->most_passed : most_passed;
		for (write = 0; write < 2; write++)
			worst[write] = (double)w->worst_ns[write] > worst[write] ? (double)w->worst_ns[write] : worst[write];
	}
	sample_add(way->name, "grants", "grants/s", grants / t->seconds);
	add_turns(way, "fewest", "most", 0, n - t->readers > 0 ? n - t->readers : n);
	if (n > t->readers)
		sample_add(way->name, "worst", "ms", worst[1] / 1e6);
	if (t->readers + t->mixed > 0)
		sample_add(way->name, "worst_read", "ms", worst[0] / 1e6);
	sample_add(way->name, "passed_often", "times", often);
	sample_add(way->name, "passed", "grants", most_passed);
	sample_add(way->name, "cpu", "us/grant", cpu / (grants > 0 ? grants : 1));
	sample_add(way->name, "switches", "switches/grant", switched / (grants > 0 ? grants : 1));
}

static void
map_table(void)
{
	FILE *file = tmpfile();

	table_fd = file != NULL ? dup(fileno(file)) : -1; /* open in the programs that are executed */
	if (table_fd < 0 || ftruncate(table_fd, sizeof(*table)) != 0)
		die("a temporary file");
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, table_fd, 0);
	if (table == MAP_FAILED)
		die("mmap");
}

static void
print(const struct task *t)
{
	char who[60], parameter[100];

	if (t->mixed > 0)
		snprintf(who, sizeof(who), "%d mixed %d/%d", t->mixed, t->read_percent, 100 - t->read_percent);
	else
		snprintf(who, sizeof(who), "%d writers %d readers", t->writers, t->readers);
	snprintf(parameter, sizeof(parameter), "%s hold %g ms", who, (double)t->hold_ns / 1e6);
	sample_print("crowd", parameter, WAY_RAW);
}

void
measure_crowd(const struct task *t)
{
	int round, i, n = t->writers + t->readers + t->mixed;

	if (n < 1 || n > MOST_WORKERS) {
		fprintf(stderr, "crowd: 1 to %d processes\n", MOST_WORKERS);
		exit(2);
	}
	map_table();
	for (round = 0; round < t->rounds; round++)
		for (i = 0; i < t->ways_count; i++) {
			if (!t->ways[i]->shares && t->readers + t->mixed > 0)
				continue;
			run(t->ways[i], t, n);
			add(t->ways[i], t, n);
		}
	print(t);
}
