/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Measures ways to lock (bench/way.h), all in turn, in the working directory.
 *
 *	measure TEST [-r ROUNDS] [-n TIMES] [-s SECONDS] [-H HOLD_US]
 *	        [-w WRITERS] [-d READERS] [-m MIXED] [-p READ_PERCENT] WAY...
 *
 *	pair     uncontended acquire and release
 *	loop     the same and nothing else, for callgrind: shared with -d 1
 *	calls    the system calls of a pair
 *	handoff  how long after a release a waiter holds
 *	wait     what a wait of SECONDS costs
 *	crowd    who gets how many turns
 *	start    NAME=COMMAND... in place of ways: the time of each
 *	memory   of a handle and of a waiter
 *	growth   up to TIMES handles
 *	ways     what there is; takes no arguments
 *
 * Lines of CSV come out: bench/sample.h.  What is not here is left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "sample.h"

static const struct {
	const char *name;
	void (*run)(const struct task *t);
	int takes_ways;
} tests[] = {
	{ "pair", measure_pair, 1 },
	{ "loop", measure_loop, 1 },
	{ "calls", measure_calls, 1 },
	{ "handoff", measure_handoff, 1 },
	{ "wait", measure_wait, 1 },
	{ "crowd", measure_crowd, 1 },
	{ "start", measure_start, 0 },
	{ "memory", measure_memory, 1 },
	{ "growth", measure_growth, 1 },
};

static void
usage(void)
{
	fputs("usage: measure TEST [-r ROUNDS] [-n TIMES] [-s SECONDS] [-H HOLD_US]\n"
	      "               [-w WRITERS] [-d READERS] [-m MIXED] [-p READ_PERCENT] WAY...\n"
	      "       measure ways\n", stderr);
	exit(2);
}

static void
set(struct task *t, int option, const char *value)
{
	int n = atoi(value);

	switch (option) {
	case 'r': t->rounds = n; break;
	case 'n': t->times = n; break;
	case 's': t->seconds = atof(value); break;
	case 'H': t->hold_ns = atoll(value) * 1000; break;
	case 'w': t->writers = n; break;
	case 'd': t->readers = n; break;
	case 'm': t->mixed = n; break;
	case 'p': t->read_percent = n; break;
	default: usage();
	}
}

static void
options(struct task *t, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:n:s:H:w:d:m:p:")) != -1)
		set(t, c, optarg);
	t->words = argv + optind;
	t->words_count = argc - optind;
	if (t->rounds < 1 || t->rounds > MOST_ROUNDS || t->times < 1 || t->words_count < 1 || t->words_count > MOST_WAYS)
		usage();
}

static void
find_ways(struct task *t)
{
	int i;

	for (i = 0; i < t->words_count; i++) {
		const struct way *way = way_find(t->words[i]);

		if (way != NULL)
			t->ways[t->ways_count++] = way;
	}
}

int
main(int argc, char **argv)
{
	static struct task t = { .rounds = 3, .times = 50, .seconds = 1 };
	size_t i;

	if (argc == 2 && strcmp(argv[1], "ways") == 0) {
		way_list();
		return 0;
	}
	for (i = 0; argc > 1 && i < sizeof(tests) / sizeof(tests[0]); i++)
		if (strcmp(argv[1], tests[i].name) == 0) {
			options(&t, argc - 1, argv + 1);
			if (tests[i].takes_ways)
				find_ways(&t);
			tests[i].run(&t);
			return 0;
		}
	usage();
}
