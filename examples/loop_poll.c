/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waits for two locks at once in a loop of its own around poll(2), while a
 * timer ticks.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <ipclock.h>

#include "holder.h"

enum { TICK_MS = 100, TIMEOUT_MS = 5000, WAITS = 2 };

struct wait {
	const char *name, *path;
	struct ipclock *lock;
	int status;  /* EINPROGRESS while it goes on */
	int64_t due; /* when to step even if the descriptor is not readable */
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void
report(const struct wait *w)
{
	if (w->status == 0)
		printf("got %s after %ld ms\n", w->name, ipclock_waited_ms(w->lock));
	else if (w->status != EINPROGRESS)
		fprintf(stderr, "%s\n", ipclock_message(w->lock));
}

static void
begin(struct wait *w)
{
	if (ipclock_open(&w->lock, w->path, NULL) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		exit(1);
	}
	w->status = ipclock_start(w->lock, TIMEOUT_MS);
	w->due = now_ms();
	report(w);
}

static void
step(struct wait *w)
{
	int wait_ms = 0;

	w->status = ipclock_step(w->lock, &wait_ms);
	w->due = now_ms() + wait_ms;
	report(w);
}

/* Sleeps until the time, or until a wait's descriptor is readable; steps those that can go on. */
static void
turn(struct wait *waits, int64_t until)
{
	struct pollfd fds[WAITS];
	int64_t left;
	int i;

	for (i = 0; i < WAITS; i++) {
		int goes_on = waits[i].status == EINPROGRESS;

		/* poll(2) passes over a descriptor of -1. */
		fds[i] = (struct pollfd){ .fd = goes_on ? ipclock_pollfd(waits[i].lock) : -1, .events = POLLIN };
		if (goes_on && waits[i].due < until)
			until = waits[i].due;
	}
	left = until - now_ms();
	if (poll(fds, WAITS, left > 0 ? (int)left : 0) < 0)
		return; /* a signal: nothing in fds counts */
	for (i = 0; i < WAITS; i++)
		if (waits[i].status == EINPROGRESS && (fds[i].revents != 0 || now_ms() >= waits[i].due))
			step(&waits[i]);
}

int
main(void)
{
	struct wait waits[WAITS] = { { .name = "first", .path = "first.lock" }, { .name = "second", .path = "second.lock" } };
	int64_t tick = now_ms() + TICK_MS;
	int i;

	for (i = 0; i < WAITS; i++)
		hold_elsewhere(waits[i].path, 250 * (i + 1));
	for (i = 0; i < WAITS; i++)
		begin(&waits[i]);
	while (waits[0].status == EINPROGRESS || waits[1].status == EINPROGRESS) {
		turn(waits, tick);
		if (now_ms() >= tick) {
			puts("tick");
			tick += TICK_MS;
		}
	}
	for (i = 0; i < WAITS; i++)
		ipclock_close(waits[i].lock); /* releases, too */
	return waits[0].status != 0 || waits[1].status != 0;
}
