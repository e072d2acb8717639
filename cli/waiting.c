/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waiting: a stop or an end of the process comes while nothing is half done,
 * and the terminal hears of it.
 */

#include <errno.h>

#include "signals.h"
#include "system.h"
#include "waiting.h"

#define LONG_PAUSE_MS 1000 /* too long for a signal to wait */

struct wait {
	const struct options *options;
	int64_t since_us;
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

int
waiting_pause(struct wait *w, int fd, int ms)
{
	signals_wait(fd, notice_draw(&w->notice, (int64_t)ms * 1000));
	return signals_caught() ? EINTR : EINPROGRESS;
}

/* All of the pause, but for a signal: the notice may want to be drawn in between. */
static void
sleep_for(void *ctx, int ms)
{
	struct hold *h = ctx;
	int64_t left_us, end_us = now_us() + (int64_t)ms * 1000;

	while (h->wait != NULL && (left_us = end_us - now_us()) > 0)
		if (waiting_pause(h->wait, -1, (int)((left_us + 999) / 1000)) == EINTR)
			return;
}

/* Lets signals in, and the notice be drawn. */
static int
is_over(void *ctx)
{
	struct hold *h = ctx;

	return h->wait != NULL && waiting_pause(h->wait, -1, 0) == EINTR;
}

void
waiting_set_attr(struct ipclock_attr *attr, struct hold *hold)
{
	if (hold->kind->sleeps || hold->options->max_ms > LONG_PAUSE_MS)
		ipclock_attr_set_sleep(attr, sleep_for, hold);
	ipclock_attr_set_cancel(attr, is_over, hold);
}

int
waiting(struct hold *h, int64_t since_us)
{
	struct wait w = { .options = h->options, .since_us = since_us };
	int error;

	signals_catch();
	h->wait = &w;
	notice_open(&w.notice, h, since_us);
	while ((error = h->kind->acquire(h, remaining_ms(&w))) == EINTR) {
		notice_erase(&w.notice);
		signals_raise();
	}
	notice_erase(&w.notice);
	signals_release();
	h->wait = NULL;
	return error;
}
