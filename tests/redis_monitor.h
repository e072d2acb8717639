/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What the server was asked and what it did, as its MONITOR tells it in order,
 * held against the promises by an account of our own: who arrived when is known
 * from the calls, not from the numbers that the scripts give.
 */
#ifndef TESTS_REDIS_MONITOR_H
#define TESTS_REDIS_MONITOR_H

#include <stdint.h>

struct monitor {
	long grants;
	long waited;      /* of them: to who stood in line */
	long passed;      /* granted before one that came earlier, still had its place, and could not have shared */
	long beside;      /* granted beside a holder that excludes it and whose lease lasted */
	long put_out;     /* taken out of line or lock by another, its lease still lasting */
	long taken_alive; /* taken for dead, and heard of again */
	uint64_t newest;
	long steps_back;  /* tokens not greater than the last */
};

/* Does the account of the lock "lock" until the server is told ECHO all; 0, or 1 if the server could not be heard. */
int monitor_lock(struct monitor *m);

#endif
