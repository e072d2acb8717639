/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waiting for a lock: an event loop around start and step, so that a stop or
 * an end of the process comes between two steps, and the terminal hears of it.
 */

#include <config.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "waiting.h"

struct wait {
	struct ipclock_rw *rw;
	const struct options *options;
	int64_t since_us;
	sigset_t mask;        /* while nothing is blocked but what the caller blocked */
	struct notice notice;
};

/* Rounded up: a deadline is not missed by a part of a millisecond. */
static int
remaining_ms(const struct wait *w)
{
	int64_t us;

	if (w->options->timeout_ms < 0)
		return IPCLOCK_FOREVER;
	us = w->since_us + (int64_t)w->options->timeout_ms * 1000 - now_us();
	return us > 0 ? (int)((us + 999) / 1000) : 0;
}

/* Until the lock's next step or the notice's; EINTR: a signal was caught. */
static int
pause_for(struct wait *w, int ms)
{
	struct pollfd event = { .fd = ipclock_rw_pollfd(w->rw), .events = POLLIN };
	int64_t us = notice_draw(&w->notice, (int64_t)ms * 1000);
	struct timespec timeout = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };

	ppoll(&event, 1, &timeout, &w->mask);
	return signals_caught() ? EINTR : EINPROGRESS;
}

static int
wait_in_line(struct wait *w)
{
	int ms, error = run_start(w->rw, w->options, remaining_ms(w));

	while (error == EINPROGRESS) {
		error = ipclock_rw_step(w->rw, &ms);
		if (error == EINPROGRESS)
			error = pause_for(w, ms >= 0 ? ms : INT_MAX);
	}
	return error;
}

int
waiting(struct ipclock_rw *rw, const struct options *options, int64_t since_us)
{
	struct wait w = { .rw = rw, .options = options, .since_us = since_us };
	int error;

	notice_open(&w.notice, rw, options, since_us);
	for (;;) {
		signals_catch(&w.mask);
		error = wait_in_line(&w);
		notice_erase(&w.notice);
		if (error == EINTR)
			ipclock_rw_cancel(rw);
		signals_release(&w.mask);
		if (error != EINTR)
			return error;
		signals_raise();
	}
}
