/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The monotonic clock of POSIX, which stops while the machine sleeps, and what waits by it. */
#include <config.h>

#include <sys/select.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
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

/* ---- signals ---- */

static _Thread_local struct {
	sigset_t before;
	bool held;
} signals;

/* The handler of a signal that comes in between finds the one state or the other. */
bool
ipclock__os_signals_hold(void)
{
	sigset_t all;

	if (signals.held)
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &signals.before);
	signals.held = true;
	return true;
}

bool
ipclock__os_signals_let(void)
{
	if (!signals.held)
		return false;
	signals.held = false;
	pthread_sigmask(SIG_SETMASK, &signals.before, NULL);
	return true;
}

const sigset_t *
ipclock__os_signals_held(void)
{
	return signals.held ? &signals.before : NULL;
}

/* ---- sleep ---- */

struct timespec
ipclock__os_time_left(int64_t until)
{
	int64_t left = until - ipclock__os_now();

	return ipclock__os_timespec(left > 0 ? left : 0);
}

/* A signal that comes when the time is over does not get in: it waits for the next sleep. */
static int
sleep_letting_signals_in(int64_t when)
{
	struct timespec left = ipclock__os_time_left(when);

	return pselect(0, NULL, NULL, NULL, &left, &signals.before) < 0 ? errno : 0;
}

int
ipclock__os_sleep_until(int64_t when)
{
	struct timespec until = ipclock__os_timespec(when);

	if (signals.held)
		return sleep_letting_signals_in(when);
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
