/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>

#include "way.h"

enum { MOST_WAYS = 64 };

/* What a test is asked to do. */
struct task {
	int rounds, times;
	double seconds;
	int writers, readers, mixed, read_percent; /* processes; of the mixed, how often they read */
	int64_t hold_ns;
	const struct way *ways[MOST_WAYS];
	int ways_count;
	char **words; /* the arguments as they came */
	int words_count;
};

/* Each prints what came of it: bench/sample.h. */
void measure_pair(const struct task *t);
void measure_loop(const struct task *t);
void measure_calls(const struct task *t);
void measure_handoff(const struct task *t);
void measure_wait(const struct task *t);
void measure_crowd(const struct task *t);
void measure_start(const struct task *t);
void measure_memory(const struct task *t);
void measure_growth(const struct task *t);

#endif
