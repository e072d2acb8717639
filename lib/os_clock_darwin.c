/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The clock of macOS that stops while the machine sleeps, as POSIX's does elsewhere; waits there are relative. */
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
	return (int64_t)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
}

int
ipclock__os_sleep_until(int64_t when)
{
	int64_t left = when - ipclock__os_now();
	struct timespec pause = ipclock__os_timespec(left > 0 ? left : 0);

	return nanosleep(&pause, NULL) < 0 ? errno : 0;
}

/* There is no sleep that lets signals in but pselect(2), and waits in the kernel's queue would miss them still. */
bool
ipclock__os_signals_hold(void)
{
	return false;
}

bool
ipclock__os_signals_let(void)
{
	return false;
}

void
ipclock__os_condition_make(pthread_cond_t *condition)
{
	pthread_cond_init(condition, NULL);
}

int
ipclock__os_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until)
{
	int64_t left = until - ipclock__os_now();
	struct timespec pause = ipclock__os_timespec(left > 0 ? left : 0);

	return pthread_cond_timedwait_relative_np(condition, mutex, &pause);
}
