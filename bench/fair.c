/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Who gets how many turns: so many writers and readers, a process each, that
 * lock, hold and release without a pause.
 *
 *	fair [-r ROUNDS] [-s SECONDS] WRITERS READERS HOLD_US WAY...
 *
 * The ways (bench/way.h) take turns, ROUNDS times SECONDS each, and a row of a
 * Markdown table comes of each.  Grants are a second's; "of raw" is the median
 * of the rounds, as is "fewest / most", the turns of the writer, or reader, who
 * had fewest, to those of the one who had most; "passed by" counts grants to
 * others between asking and getting.  CPU is for each grant.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "way.h"

enum { MOST_WORKERS = 64, MOST_WAYS = 8, MOST_ROUNDS = 50 };

/* bench/peer.py maps it, too: numbers of 64 bits, in this order. */
struct worker {
	atomic_llong ready, grants, most_passed, passed_often, worst_ns, cpu_us, switches;
};

struct table {
	atomic_llong go, end_ns, grants, often;
	struct worker worker[MOST_WORKERS];
};

struct setting {
	int writers, readers, rounds;
	double seconds;
	int64_t hold_ns;
};

/* What came of a way, over all rounds. */
struct result {
	const struct way *way;
	int works;
	double grants[MOST_ROUNDS], even_writers[MOST_ROUNDS], even_readers[MOST_ROUNDS];
	long long most_passed, passed_often, worst_write, worst_read, cpu_us, switches, total;
};

static struct table *table;
static int table_fd;
static const char *path = "fair.lock";

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

	if (ns >= 100000)
		pause_ns(ns);
	while (ns < 100000 && now_ns() < end)
		;
}

static void
take_turns(struct lock *l, struct worker *w, int write, int64_t hold_ns)
{
	int64_t asked;

	while ((asked = now_ns()) < table->end_ns) {
		long long turn = table->grants, passed;

		lock_acquire(l, write);
		passed = table->grants++ - turn;
		w->grants++;
		w->passed_often += passed > table->often;
		set_most(&w->most_passed, passed);
		set_most(&w->worst_ns, now_ns() - asked);
		hold(hold_ns);
		lock_release(l, write);
	}
}

static void
become_peer(int i, int write, int64_t hold_ns)
{
	const long long numbers[] = {
		table_fd, sizeof(*table), i, 4, sizeof(struct worker) / sizeof(atomic_llong), write, hold_ns
	};
	char what[] = "fair", lock[] = "fair.lock", text[7][24];
	char *args[10] = { what, lock };
	int n;

	for (n = 0; n < 7; n++) {
		snprintf(text[n], sizeof(text[n]), "%lld", numbers[n]);
		args[n + 2] = text[n];
	}
	way_exec_peer(args);
}

static void
work(const struct way *way, int i, int write, int64_t hold_ns)
{
	struct worker *w = &table->worker[i];
	int64_t cpu, switched;
	struct lock l;

	if (way->python)
		become_peer(i, write, hold_ns);
	lock_open(&l, way, path);
	w->ready = 1;
	while (!table->go)
		pause_ns(500000);
	cpu = cpu_us();
	switched = switches();
	take_turns(&l, w, write, hold_ns);
	w->cpu_us = cpu_us() - cpu;
	w->switches = switches() - switched;
}

static void
run(const struct way *way, const struct setting *s)
{
	int i, status, n = s->writers + s->readers;

	memset(table, 0, sizeof(*table));
	table->often = n;
	for (i = 0; i < n; i++)
		if (fork() == 0) {
			work(way, i, i < s->writers, s->hold_ns);
			_exit(0);
		}
	for (i = 0; i < n; i++)
		while (!table->worker[i].ready) {
			if (waitpid(-1, &status, WNOHANG) != 0)
				die("a process could not begin");
			pause_ns(1000000);
		}
	table->end_ns = now_ns() + (int64_t)(s->seconds * 1e9);
	table->go = 1;
	while (wait(&status) > 0)
		if (status != 0)
			exit(1);
}

/* The fewest turns of any of these to the most. */
static double
evenness(int from, int to)
{
	long long fewest = table->worker[from].grants, most = fewest;
	int i;

	for (i = from; i < to; i++) {
		long long n = table->worker[i].grants;

		fewest = n < fewest ? n : fewest;
		most = n > most ? n : most;
	}
	return most > 0 ? (double)fewest / (double)most : 0;
}

static void
add(struct result *r, const struct setting *s, int round)
{
	int i, n = s->writers + s->readers;
	long long grants = 0;

	for (i = 0; i < n; i++) {
		const struct worker *w = &table->worker[i];
		long long *worst = i < s->writers ? &r->worst_write : &r->worst_read;

		grants += w->grants;
		r->cpu_us += w->cpu_us;
		r->switches += w->switches;
		r->passed_often += w->passed_often;
		if (w->most_passed > r->most_passed)
			r->most_passed = w->most_passed;
		if (w->worst_ns > *worst)
			*worst = w->worst_ns;
	}
	r->total += grants;
	r->grants[round] = (double)grants / s->seconds;
	r->even_writers[round] = evenness(0, s->writers);
	r->even_readers[round] = evenness(s->writers, n);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(const double *values, int n)
{
	double sorted[MOST_ROUNDS];

	memcpy(sorted, values, (size_t)n * sizeof(*values));
	qsort(sorted, (size_t)n, sizeof(*sorted), by_size);
	return sorted[n / 2];
}

static void
print(const struct result *r, const struct result *raw, const struct setting *s)
{
	double of_raw[MOST_ROUNDS], grants = r->total > 0 ? (double)r->total : 1;
	int i;

	printf("| %d + %d, %g ms | %s ", s->writers, s->readers, (double)s->hold_ns / 1e6, r->way->name);
	if (!r->works) {
		puts("| missing here | | | | | | | | |");
		return;
	}
	printf("| %.0f ", median(r->grants, s->rounds));
	for (i = 0; i < s->rounds; i++)
		of_raw[i] = raw != NULL ? r->grants[i] / raw->grants[i] : 0;
	if (raw != NULL)
		printf("| %.2f ", median(of_raw, s->rounds));
	else
		printf("| - ");
	printf("| %.3f ", median(r->even_writers, s->rounds));
	if (s->readers > 0)
		printf("/ %.3f ", median(r->even_readers, s->rounds));
	printf("| %.1f ", (double)r->worst_write / 1e6);
	if (s->readers > 0)
		printf("/ %.1f ", (double)r->worst_read / 1e6);
	printf("| %lld | %lld | %.0f | %.1f |\n", r->passed_often, r->most_passed, (double)r->cpu_us / grants,
	    (double)r->switches / grants);
}

static void
usage(void)
{
	fputs("usage: fair [-r ROUNDS] [-s SECONDS] WRITERS READERS HOLD_US WAY...\n", stderr);
	exit(2);
}

static int
options(int argc, char **argv, struct setting *s)
{
	int c;

	while ((c = getopt(argc, argv, "r:s:")) != -1)
		if (c == 'r')
			s->rounds = atoi(optarg);
		else if (c == 's')
			s->seconds = atof(optarg);
		else
			usage();
	if (argc - optind < 4 || argc - optind > 3 + MOST_WAYS || s->rounds < 1 || s->rounds > MOST_ROUNDS)
		usage();
	s->writers = atoi(argv[optind]);
	s->readers = atoi(argv[optind + 1]);
	s->hold_ns = atoll(argv[optind + 2]) * 1000;
	if (s->writers < 1 || s->readers < 0 || s->writers + s->readers > MOST_WORKERS)
		usage();
	return optind + 3;
}

int
main(int argc, char **argv)
{
	struct setting s = { .rounds = 3, .seconds = 1 };
	static struct result results[MOST_WAYS];
	const struct result *raw = NULL;
	int first = options(argc, argv, &s);
	int i, round, n = argc - first;
	FILE *file = tmpfile();

	table_fd = file != NULL ? dup(fileno(file)) : -1;
	if (table_fd < 0 || ftruncate(table_fd, sizeof(*table)) != 0)
		die("a temporary file");
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, table_fd, 0);
	if (table == MAP_FAILED)
		die("mmap");
	for (i = 0; i < n; i++) {
		results[i].way = way_find(argv[first + i]);
		results[i].works = way_works(results[i].way);
		if (results[i].way->raw && !results[i].way->python)
			raw = &results[i];
	}
	for (round = 0; round < s.rounds; round++)
		for (i = 0; i < n; i++)
			if (results[i].works) {
				run(results[i].way, &s);
				add(&results[i], &s, round);
			}
	for (i = 0; i < n; i++)
		print(&results[i], raw, &s);
	return 0;
}
