/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include "way.h"

/* Acquires and releases so often. The name is callgrind's. */
void bench_pairs(struct lock *l, int write, int times);

/* Nanoseconds of a pair, after a few that do not count. */
double pair_ns(struct lock *l, int write, int times);

#endif
