/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Who holds and who waits inside one handle.  Requests made through one open
 * file description never conflict in the kernel, so the handle itself excludes:
 * first come first served, one at a time talking to the kernel.  Pure data; the
 * handle's mutex guards it.
 */
#ifndef IPCLOCK_LOCAL_H
#define IPCLOCK_LOCAL_H

#include <stdbool.h>

#include "os.h"

struct local_waiter {
	struct local_waiter *next;
	enum os_mode mode;
	struct os_event event; /* set when it may go */
};

struct local {
	struct local_waiter *first; /* the one that talks to the kernel, once it may go */
	struct local_waiter *last;
	unsigned readers;
	bool writer;
	bool draining;              /* the file was replaced: no new reader beside the old */
};

/* May it go, at the head of the queue, or in an empty one? */
bool ipclock__local_may_go(const struct local *local, const struct local_waiter *waiter);

void ipclock__local_join(struct local *local, struct local_waiter *waiter);
void ipclock__local_leave(struct local *local, struct local_waiter *waiter);

static inline void
ipclock__local_take(struct local *local, enum os_mode mode)
{
	if (mode == OS_EXCLUSIVE)
		local->writer = true;
	else
		local->readers++;
}

/* True if nobody of this handle holds any more. */
static inline bool
ipclock__local_give(struct local *local, enum os_mode mode)
{
	if (mode == OS_EXCLUSIVE)
		local->writer = false;
	else
		local->readers--;
	if (local->readers == 0)
		local->draining = false;
	return !local->writer && local->readers == 0;
}

/* Tells the head of the queue if it may go. */
void ipclock__local_wake(struct local *local);

#endif
