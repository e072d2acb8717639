/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * From hand to hand: how long after a release does a waiter hold the lock, and
 * what did the wait cost it?
 *
 *	handoff [-r ROUNDS] [-n TIMES] HOLD_MS WAY...
 *
 * This process holds for HOLD_MS while another one waits.  The ways
 * (bench/way.h) take turns, ROUNDS times TIMES each; of each comes a row of a
 * Markdown table.  "Of raw" is the median of the rounds' medians.  With -n 1 -r 1
 * and a hold of 60000 it tells what a minute's wait costs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "way.h"

enum { MOST_WAYS = 8, MOST_ROUNDS = 50, MOST_TIMES = 1000 };

/* What the waiter answers; bench/peer.py does, too. */
struct answer {
	int64_t got_ns, cpu_us, switches;
};

struct waiter {
	pid_t pid;
	int begin, end;
};

struct result {
	const struct way *way;
	int works;
	struct lock lock; /* the holder's */
	struct waiter waiter;
	double medians[MOST_ROUNDS], us[MOST_ROUNDS * MOST_TIMES];
	double cpu_us, switches;
	int n;
};

static const char *path = "handoff.lock";

static void
wait_when_told(const struct way *way, int begin, int end)
{
	struct answer a = { .got_ns = 0 };
	int64_t cpu, switched;
	struct lock l;
	char c;

	lock_open(&l, way, path);
	while (write(end, &a, sizeof(a)) == sizeof(a) && read(begin, &c, 1) == 1) {
		cpu = cpu_us();
		switched = switches();
		lock_acquire(&l, 1);
		a.got_ns = now_ns();
		a.cpu_us = cpu_us() - cpu;
		a.switches = switches() - switched;
		lock_release(&l, 1);
	}
}

static void
become_peer(int begin, int end)
{
	char what[] = "handoff", lock[] = "handoff.lock", in[16], out[16];
	char *args[] = { what, lock, in, out, NULL };

	snprintf(in, sizeof(in), "%d", begin);
	snprintf(out, sizeof(out), "%d", end);
	way_exec_peer(args);
}

static struct answer
hear(const struct waiter *w)
{
	struct answer a;

	if (read(w->end, &a, sizeof(a)) != sizeof(a))
		die("the waiter is gone");
	return a;
}

static void
start(struct waiter *w, const struct way *way)
{
	int to[2], from[2];

	if (pipe(to) != 0 || pipe(from) != 0)
		die("pipe");
	w->pid = fork();
	if (w->pid == 0) {
		close(to[1]);
		close(from[0]);
		if (way->python)
			become_peer(to[0], from[1]);
		wait_when_told(way, to[0], from[1]);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	w->begin = to[1];
	w->end = from[0];
	hear(w);
}

static void
stop(struct waiter *w)
{
	close(w->begin);
	close(w->end);
	waitpid(w->pid, NULL, 0);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
quantile(double *values, int n, double q)
{
	int at = (int)(q * n);

	qsort(values, (size_t)n, sizeof(*values), by_size);
	return values[at < n ? at : n - 1];
}

static void
run(struct result *r, int times, int hold_ms, int round)
{
	double us[MOST_TIMES];
	int i;

	start(&r->waiter, r->way);
	for (i = 0; i < times; i++) {
		struct answer a;
		int64_t released;

		lock_acquire(&r->lock, 1);
		if (write(r->waiter.begin, "w", 1) != 1)
			die("the waiter is gone");
		pause_ns(hold_ms * INT64_C(1000000));
		released = now_ns();
		lock_release(&r->lock, 1);
		a = hear(&r->waiter);
		us[i] = (double)(a.got_ns - released) / 1e3;
		r->us[r->n++] = us[i];
		r->cpu_us += (double)a.cpu_us;
		r->switches += (double)a.switches;
	}
	stop(&r->waiter);
	r->medians[round] = quantile(us, times, 0.5);
}

static void
print(struct result *r, const struct result *raw, int rounds, int hold_ms)
{
	double of_raw[MOST_ROUNDS];
	int i;

	printf("| %d ms | %s ", hold_ms, r->way->name);
	if (!r->works) {
		puts("| missing here | | | | | |");
		return;
	}
	printf("| %.1f | %.1f | %.1f ", quantile(r->us, r->n, 0.5), quantile(r->us, r->n, 0.99), quantile(r->us, r->n, 1));
	for (i = 0; i < rounds; i++)
		of_raw[i] = raw != NULL ? r->medians[i] / raw->medians[i] : 0;
	if (raw != NULL)
		printf("| %.2f ", quantile(of_raw, rounds, 0.5));
	else
		printf("| - ");
	printf("| %.0f | %.1f |\n", r->cpu_us / r->n, r->switches / r->n);
}

static void
usage(void)
{
	fputs("usage: handoff [-r ROUNDS] [-n TIMES] HOLD_MS WAY...\n", stderr);
	exit(2);
}

static void
options(int argc, char **argv, int *rounds, int *times)
{
	int c;

	while ((c = getopt(argc, argv, "r:n:")) != -1)
		if (c == 'r')
			*rounds = atoi(optarg);
		else if (c == 'n')
			*times = atoi(optarg);
		else
			usage();
	if (argc - optind < 2 || argc - optind > 1 + MOST_WAYS || *rounds < 1 || *rounds > MOST_ROUNDS ||
	    *times < 1 || *times > MOST_TIMES)
		usage();
}

int
main(int argc, char **argv)
{
	static struct result results[MOST_WAYS];
	const struct result *raw = NULL;
	int i, round, rounds = 5, times = 50, hold_ms, n;

	options(argc, argv, &rounds, &times);
	hold_ms = atoi(argv[optind]);
	n = argc - optind - 1;
	for (i = 0; i < n; i++) {
		results[i].way = way_find(argv[optind + 1 + i]);
		results[i].works = way_works(results[i].way);
		lock_open(&results[i].lock, results[i].way, path);
		if (results[i].way->raw && !results[i].way->python)
			raw = &results[i];
	}
	for (round = 0; round < rounds; round++)
		for (i = 0; i < n; i++)
			if (results[i].works)
				run(&results[i], times, hold_ms, round);
	for (i = 0; i < n; i++)
		print(&results[i], raw, rounds, hold_ms);
	return 0;
}
