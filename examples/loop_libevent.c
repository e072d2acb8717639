/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waits for two locks at once in a libevent loop, while a timer ticks.  An
 * event of libevent is a descriptor and a timeout: just what a wait needs.
 */
#include <errno.h>
#include <stdio.h>

#include <event2/event.h>
#include <ipclock.h>

#include "holder.h"

enum { TICK_MS = 100, TIMEOUT_MS = 5000 };

struct wait {
	const char *name;
	struct ipclock *lock;
	struct event *event;
	int status; /* EINPROGRESS while it goes on */
};

static struct event *ticker;
static int unfinished;

static struct timeval
in_ms(int ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L };
}

/* The descriptor is readable, or the time is over: which of the two does not matter. */
static void
step(evutil_socket_t fd, short what, void *arg)
{
	struct wait *w = arg;
	struct timeval due;
	int wait_ms = 0;

	(void)fd;
	(void)what;
	if (w->status == EINPROGRESS)
		w->status = ipclock_step(w->lock, &wait_ms);
	if (w->status == EINPROGRESS) {
		due = in_ms(wait_ms);
		event_add(w->event, &due);
		return;
	}
	if (w->status == 0)
		printf("got %s after %ld ms\n", w->name, ipclock_waited_ms(w->lock));
	else
		fprintf(stderr, "%s\n", ipclock_message(w->lock));
	if (--unfinished == 0)
		event_del(ticker); /* with nothing left to wait for the loop ends */
}

static void
begin(struct event_base *base, struct wait *w, const char *path)
{
	int fd;

	if (ipclock_open(&w->lock, path, NULL) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		exit(1);
	}
	/* -1 where there is no descriptor: then it is a timer only. */
	fd = ipclock_pollfd(w->lock);
	w->event = event_new(base, fd, fd >= 0 ? EV_READ : 0, step, w);
	w->status = ipclock_start(w->lock, TIMEOUT_MS);
	unfinished++;
	event_active(w->event, EV_TIMEOUT, 0);
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	puts("tick");
}

int
main(void)
{
	struct wait first = { .name = "first" }, second = { .name = "second" };
	struct timeval interval = in_ms(TICK_MS);
	struct event_base *base;

	hold_elsewhere("first.lock", 250);
	hold_elsewhere("second.lock", 500);
	base = event_base_new();
	ticker = event_new(base, -1, EV_PERSIST, tick, NULL);
	event_add(ticker, &interval);
	begin(base, &first, "first.lock");
	begin(base, &second, "second.lock");
	event_base_dispatch(base);

	event_free(first.event);
	event_free(second.event);
	event_free(ticker);
	event_base_free(base);
	ipclock_close(first.lock); /* releases, too */
	ipclock_close(second.lock);
	return first.status != 0 || second.status != 0;
}
