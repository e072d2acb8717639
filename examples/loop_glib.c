/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waits for two locks at once in a GLib main loop, while a timer ticks.  A wait
 * is a source of its own, which has a descriptor and a time when it is ready.
 */
#include <errno.h>
#include <stdio.h>

#include <glib.h>
#include <ipclock.h>

#include "holder.h"

enum { TICK_MS = 100, TIMEOUT_MS = 5000 };

struct wait {
	GSource source;
	const char *name;
	struct ipclock *lock;
	int status; /* EINPROGRESS while it goes on */
};

static GMainLoop *loop;
static int unfinished;

/* The descriptor is readable, or the time has come: which of the two does not matter. */
static gboolean
step(GSource *source, GSourceFunc callback, gpointer data)
{
	struct wait *w = (struct wait *)source;
	int wait_ms = 0;

	(void)callback;
	(void)data;
	if (w->status == EINPROGRESS)
		w->status = ipclock_step(w->lock, &wait_ms);
	if (w->status == EINPROGRESS) {
		g_source_set_ready_time(source, g_get_monotonic_time() + wait_ms * G_TIME_SPAN_MILLISECOND);
		return G_SOURCE_CONTINUE;
	}
	if (w->status == 0)
		printf("got %s after %ld ms\n", w->name, ipclock_waited_ms(w->lock));
	else
		fprintf(stderr, "%s\n", ipclock_message(w->lock));
	if (--unfinished == 0)
		g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static struct wait *
begin(const char *name, const char *path)
{
	static GSourceFuncs funcs = { .dispatch = step };
	struct wait *w = (struct wait *)g_source_new(&funcs, sizeof(*w));

	w->name = name;
	if (ipclock_open(&w->lock, path, NULL) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		exit(1);
	}
	/* -1 where there is no descriptor: then the time does it alone. */
	if (ipclock_pollfd(w->lock) >= 0)
		g_source_add_unix_fd(&w->source, ipclock_pollfd(w->lock), G_IO_IN);
	w->status = ipclock_start(w->lock, TIMEOUT_MS);
	unfinished++;
	g_source_set_ready_time(&w->source, 0);
	g_source_attach(&w->source, NULL);
	return w;
}

/* Closing releases, too. */
static int
end(struct wait *w)
{
	int status = w->status;

	ipclock_close(w->lock);
	g_source_unref(&w->source);
	return status;
}

static gboolean
tick(gpointer data)
{
	(void)data;
	puts("tick");
	return G_SOURCE_CONTINUE;
}

int
main(void)
{
	struct wait *first, *second;
	int failed;

	hold_elsewhere("first.lock", 250);
	hold_elsewhere("second.lock", 500);
	loop = g_main_loop_new(NULL, FALSE);
	g_timeout_add(TICK_MS, tick, NULL);
	first = begin("first", "first.lock");
	second = begin("second", "second.lock");
	g_main_loop_run(loop);

	failed = end(first) != 0;
	failed |= end(second) != 0;
	g_main_loop_unref(loop);
	return failed;
}
