/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* System calls with nothing around them; also the counterpart of the Python peers. */
#ifndef BENCH_WAY_RAW_H
#define BENCH_WAY_RAW_H

#include "way.h"

enum { RAW_OFD, RAW_SAME, RAW_FLOCK };

void *raw_open(const struct way *way, const char *path, unsigned slot);
void raw_acquire(void *lock, int write);
void raw_release(void *lock, int write);
void raw_close(void *lock);

#define RAW_ROW .open = raw_open, .acquire = raw_acquire, .release = raw_release, .close = raw_close

#endif
