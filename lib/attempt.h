/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * One request for a lock, from its first try to its end: the only loop in the
 * library.  It knows: try; if busy, wait until something may have changed; again,
 * until the deadline.  Acquire runs it in the caller's thread; start and step
 * take it a step at a time.
 */
#ifndef IPCLOCK_ATTEMPT_H
#define IPCLOCK_ATTEMPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"
#include "line.h"
#include "local.h"
#include "lock_file.h"
#include "options.h"
#include "os.h"
#include "recursive.h"

/* What there is to wait for after a look in vain. */
enum wait {
	WAIT_NOTHING, /* look at once */
	WAIT_LOCAL,   /* another request of this handle: the event */
	WAIT_DIRECT,  /* the kernel, in the caller's thread */
	WAIT_HELPER,  /* the kernel, in a helper: the event */
	WAIT_PAUSE    /* backoff */
};

struct attempt {
	struct local_waiter waiter;
	struct line line;
	struct os_helper helper;
	int64_t begun;
	int64_t deadline;       /* OS_NEVER: wait for ever */
	int64_t wake;           /* when the next step is due */
	int64_t look;           /* when to look at the path and at a line that does not move */
	int64_t stuck_behind;   /* the number that a free lock was seen behind, or NOBODY */
	int64_t seen_ahead;     /* at the last pause */
	unsigned generation;
	unsigned pauses;        /* since the line moved */
	union {
		int result;     /* of the last wait in the caller's thread */
		int sleep_ms;   /* before it: what the caller's sleep is asked for, however late it is called */
	};
	_Atomic int helped;     /* of the helper; EINPROGRESS while it is at work */
	unsigned char moves;    /* to new files, since the last wait */
	unsigned char wait;     /* enum wait */
	bool helper_runs;
	bool helper_stops_at_lock; /* it comes back when its turn has come, and takes no lock */
	bool may_hold;          /* a helper may have got the lock, even if it was stopped */
	bool over;              /* ended: a step that comes late finds nothing to do */
	bool entered;           /* its owner holds it already */
	bool blocks : 1;        /* acquire: may sleep in this thread */
	bool looks : 1;         /* its caller has something else to look at, once a second */
};

/*
 * What the attempts of one handle share.  The mutex guards all but the
 * options, and the file between two looks belongs to the attempt at the head of
 * the queue.  The lock's bytes are locked without the mutex only while nobody of
 * this handle holds them.
 */
struct shared {
	struct os_mutex mutex;
	struct lock_file file;
	struct place place;
	struct local local;
	struct owners owners;   /* for recursion */
	struct options options;
	uint32_t seed;
	unsigned generation;    /* counted up in the child of a fork: older attempts are gone */
	int attempts;           /* of the last acquire */
	int waited_ms;
	signed char has_queue;  /* does the file's kernel queue serve us: -1 not known yet */
	bool told_no_line;
	bool soiled;            /* what the kernel would not unlock goes with the descriptor */
	unsigned short stays;   /* why the file was not removed: for the log, which has not heard of it yet */
};

/* Fills it in; the event is the caller's to make, and outlives it. */
void ipclock__attempt_make(struct attempt *attempt, struct shared *shared, enum os_mode mode, bool blocks);

/*
 * Begins: 0 held, EINPROGRESS, or the error; one try for a
 * timeout of 0, for ever for a negative one.  After EINPROGRESS it stands in
 * the handle's queue, and must be stepped to its end or abandoned.
 */
int ipclock__attempt_begin(struct attempt *attempt, struct shared *shared, int timeout_ms);

/* Goes on: the same results. */
int ipclock__attempt_step(struct attempt *attempt, struct shared *shared);

/*
 * Held at once, or given back at once?  Shortcuts for a lock that is free and
 * that nobody waits for, on few calls: each return after a system call costs
 * more than the rest.  False: nothing was done.
 */
bool ipclock__attempt_at_once(struct shared *shared, enum os_mode mode);
bool ipclock__attempt_give_at_once(struct shared *shared, enum os_mode mode);

/* Sleeps until a step is due, and takes it. */
int ipclock__attempt_wait(struct attempt *attempt, struct shared *shared);

/* Begins, sleeps and steps to the end. */
int ipclock__attempt_run(struct attempt *attempt, struct shared *shared, int timeout_ms);

/* Gives back all that it has. */
void ipclock__attempt_abandon(struct attempt *attempt, struct shared *shared);

/* Who calls, as an owner of a recursive lock. */
uint64_t ipclock__attempt_owner(const struct shared *shared);

/* Gives one holder's lock back, with the mutex held. */
int ipclock__attempt_give(struct shared *shared, enum os_mode mode);

/* Unlocks what the last holder held, and removes the file where that is wanted. */
int ipclock__attempt_unlock(struct shared *shared);

/* Tells the log if that file could not be removed.  Without the mutex, as for all callbacks. */
void ipclock__attempt_say_stays(struct shared *shared);

/* Milliseconds until the next step is due. */
int ipclock__attempt_due_ms(const struct attempt *attempt);

#endif
