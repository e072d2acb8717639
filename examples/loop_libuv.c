/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waits for two locks at once in a libuv loop, while a timer ticks.  A wait is
 * a poll handle for its descriptor and a timer for the time that a step is due.
 */
#include <errno.h>
#include <stdio.h>

#include <ipclock.h>
#include <uv.h>

#include "holder.h"

enum { TICK_MS = 100, TIMEOUT_MS = 5000 };

struct wait {
	const char *name;
	struct ipclock *lock;
	uv_poll_t readable;
	uv_timer_t due;
	int status; /* EINPROGRESS while it goes on */
};

static uv_timer_t ticker;
static int unfinished;

static void
finish(struct wait *w)
{
	if (w->status == 0)
		printf("got %s after %ld ms\n", w->name, ipclock_waited_ms(w->lock));
	else
		fprintf(stderr, "%s\n", ipclock_message(w->lock));
	if (ipclock_pollfd(w->lock) >= 0)
		uv_close((uv_handle_t *)&w->readable, NULL);
	uv_close((uv_handle_t *)&w->due, NULL);
	if (--unfinished == 0)
		uv_close((uv_handle_t *)&ticker, NULL); /* with no handle left the loop ends */
}

static void on_due(uv_timer_t *timer);

static void
step(struct wait *w)
{
	int wait_ms = 0;

	if (w->status == EINPROGRESS)
		w->status = ipclock_step(w->lock, &wait_ms);
	if (w->status == EINPROGRESS)
		uv_timer_start(&w->due, on_due, (uint64_t)wait_ms, 0);
	else
		finish(w);
}

static void
on_due(uv_timer_t *timer)
{
	step(timer->data);
}

static void
on_readable(uv_poll_t *poll, int error, int events)
{
	(void)error;
	(void)events;
	step(poll->data);
}

static void
begin(uv_loop_t *loop, struct wait *w, const char *path)
{
	int fd;

	if (ipclock_open(&w->lock, path, NULL) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		exit(1);
	}
	/* -1 where there is no descriptor: then the timer does it alone. */
	fd = ipclock_pollfd(w->lock);
	if (fd >= 0) {
		uv_poll_init(loop, &w->readable, fd);
		uv_poll_start(&w->readable, UV_READABLE, on_readable);
	}
	uv_timer_init(loop, &w->due);
	w->readable.data = w->due.data = w;
	w->status = ipclock_start(w->lock, TIMEOUT_MS);
	unfinished++;
	uv_timer_start(&w->due, on_due, 0, 0);
}

static void
tick(uv_timer_t *timer)
{
	(void)timer;
	puts("tick");
}

int
main(void)
{
	struct wait first = { .name = "first" }, second = { .name = "second" };
	uv_loop_t *loop = uv_default_loop();

	hold_elsewhere("first.lock", 250);
	hold_elsewhere("second.lock", 500);
	uv_timer_init(loop, &ticker);
	uv_timer_start(&ticker, tick, TICK_MS, TICK_MS);
	begin(loop, &first, "first.lock");
	begin(loop, &second, "second.lock");
	uv_run(loop, UV_RUN_DEFAULT);

	uv_loop_close(loop);
	ipclock_close(first.lock); /* releases, too */
	ipclock_close(second.lock);
	return first.status != 0 || second.status != 0;
}
