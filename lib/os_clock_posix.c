/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The monotonic clock of POSIX, which stops while the machine sleeps, and what waits by it. */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "os.h"
#include "os_posix.h"

struct timespec
ipclock__os_timespec(int64_t when)
{
	return (struct timespec){ .tv_sec = (time_t)(when / 1000000000), .tv_nsec = (long)(when % 1000000000) };
}

int64_t
ipclock__os_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int
ipclock__os_sleep_until(int64_t when)
{
	struct timespec until = ipclock__os_timespec(when);

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

void
ipclock__os_condition_make(pthread_cond_t *condition)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attr);
	pthread_condattr_destroy(&attr);
}

int
ipclock__os_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until)
{
	struct timespec deadline = ipclock__os_timespec(until);

	return pthread_cond_timedwait(condition, mutex, &deadline);
}
