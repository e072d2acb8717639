/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What was measured, and clocks to measure by. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <stdint.h>

enum { MOST_ROUNDS = 50 };

/* Keeps a round's value; way and metric must stay valid. */
void sample_add(const char *way, const char *metric, const char *unit, double value);

/*
 * Prints all that was kept, and forgets it: lines of
 *
 *	test,way,parameter,metric,median of the rounds,least..most,unit
 *
 * and one with the metric NAME.ratio for each metric that the way to compare
 * with, if any, has too: the median of the ratios round by round.
 */
void sample_print(const char *test, const char *parameter, const char *compared);

/* Sorts the values, and returns the one of which so many, 0 to 1, are less. */
double quantile(double *values, int n, double q);

int64_t now_ns(void);
void pause_ns(int64_t ns);

/* Of this process so far, helpers that are gone included. */
int64_t cpu_us(void);
int64_t switches(void);

#endif
