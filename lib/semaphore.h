/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A semaphore's handle, and the wait for a slot.
 *
 *	    free, nobody at the gate
 *	ASK -----------------------> TAKEN <--------------+----------------------+
 *	 |                              ^ free            | free for two looks,  |
 *	 | busy, or somebody at the     |                 | the head stands still|
 *	 | gate                         |                 |                      |
 *	 +---> IN LINE --- gate ---> HEAD: look, pause    |                      |
 *	          |  +------------------------------------+                      |
 *	          +--- deadline --> last look -----------------------------------+
 *
 * The gate is a lock with a line, of which an attempt knows all; its holder,
 * the head, alone looks for a slot, by backoff and woken by a watch.
 */
#ifndef IPCLOCK_SEMAPHORE_OBJECT_H
#define IPCLOCK_SEMAPHORE_OBJECT_H

#include <stdbool.h>

#include "attempt.h"
#include "options.h"
#include "os_watch.h"
#include "slots.h"

/* More of an error than its number tells. */
enum sem_reason { SEM_NO_REASON, SEM_BAD_TIMEOUT, SEM_NO_SLOT, SEM_NOT_HELD, SEM_NO_PLACE, SEM_IN_LINE };

struct ipclock_sem {
	struct shared gate;        /* its mutex guards all of this; its options have no log */
	struct options options;
	struct slots slots;
	struct os_watch watch;     /* of whoever holds the gate */
	char *names;               /* what the slots' strings point into, or NULL */
	const char *operation;     /* of the last call, with the rest */
	int error;
	int waited_ms;
	enum sem_reason reason;
};

/* One acquire. */
struct request {
	struct ipclock_sem *sem;
	int timeout_ms;
	unsigned slot;             /* that was taken */
	unsigned generation;       /* another one: a callback forked, and this is the child */
	int64_t begun;
	int64_t deadline;          /* OS_NEVER: wait for ever */
	int64_t look;              /* when to look past the head */
	int64_t front;             /* the first in line at the last look, if a slot was free */
	bool seen_free;
	bool soon;                 /* an event came, perhaps a little before its cause */
	bool waits;                /* the log has heard of it */
	unsigned pauses;
	uint32_t seed;
	bool in_line;              /* EBUSY: somebody is at the gate */
};

/* 0, with request->slot; EBUSY, ETIMEDOUT or another error, and nothing is left of it. */
int ipclock__sem_wait(struct request *request);

#endif
