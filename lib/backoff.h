/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Linear backoff: numbers in, a pause out; no clock, no sleep.  The schedule is
 * that of Python's fasteners: step, 2 step, 3 step ... max, max.
 */
#ifndef IPCLOCK_BACKOFF_H
#define IPCLOCK_BACKOFF_H

#include <stdint.h>

struct backoff {
	int step_ms;        /* 1 or more */
	int max_ms;         /* step_ms or more */
	int jitter_percent; /* 0 to 100 */
};

/*
 * The pause before try n + 2, n from 0, in milliseconds, at least 1.  seed is
 * any number; it is changed, and only looked at where there is jitter.
 */
int ipclock__backoff_pause(const struct backoff *backoff, unsigned n, uint32_t *seed);

#endif
