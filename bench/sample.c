/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MOST_SERIES = 500 };

static struct series {
	const char *way, *metric, *unit;
	double values[MOST_ROUNDS];
	int n;
} series[MOST_SERIES];

static int series_count;

static struct series *
find(const char *way, const char *metric)
{
	int i;

	for (i = 0; i < series_count; i++)
		if (strcmp(series[i].way, way) == 0 && strcmp(series[i].metric, metric) == 0)
			return &series[i];
	return NULL;
}

void
sample_add(const char *way, const char *metric, const char *unit, double value)
{
	struct series *s = find(way, metric);

	if (s == NULL) {
		if (series_count == MOST_SERIES)
			abort();
		s = &series[series_count++];
		*s = (struct series){ .way = way, .metric = metric, .unit = unit };
	}
	if (s->n < MOST_ROUNDS)
		s->values[s->n++] = value;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
quantile(double *values, int n, double q)
{
	int at = (int)(q * n);

	qsort(values, (size_t)n, sizeof(*values), by_size);
	return values[at < n ? at : n - 1];
}

static void
print(const char *test, const char *parameter, const struct series *s, const char *suffix, double *values)
{
	double median = quantile(values, s->n, 0.5);

	printf("%s,%s,%s,%s%s,%.6g,%.6g..%.6g,%s\n", test, s->way, parameter, s->metric, suffix, median, values[0],
	    values[s->n - 1], *suffix != '\0' ? "ratio" : s->unit);
}

static void
print_ratio(const char *test, const char *parameter, const struct series *s, const struct series *to)
{
	double ratios[MOST_ROUNDS];
	int i;

	for (i = 0; i < s->n; i++) {
		if (i >= to->n || !(to->values[i] > 0))
			return;
		ratios[i] = s->values[i] / to->values[i];
	}
	print(test, parameter, s, ".ratio", ratios);
}

void
sample_print(const char *test, const char *parameter, const char *compared)
{
	double values[MOST_ROUNDS];
	int i;

	for (i = 0; i < series_count; i++) {
		const struct series *s = &series[i], *to = compared != NULL ? find(compared, s->metric) : NULL;

		memcpy(values, s->values, sizeof(values));
		print(test, parameter, s, "", values);
		if (to != NULL && to != s)
			print_ratio(test, parameter, s, to);
	}
	series_count = 0;
	fflush(stdout);
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
