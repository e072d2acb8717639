/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The line and the lock: a queue made of byte-range locks.  Each waiter holds
 * one byte, its number, and waits for the nearest locked byte before it, so that
 * nobody is woken in vain and nobody passes.  It is the queue lock of
 * Mellor-Crummey and Scott (1991), where a waiter that dies leaves by dying.
 *
 *	   nobody in line          lock free
 *	OUT --------------> AT LOCK --------> HELD
 *	 |                   |    ^
 *	 | somebody, or lock |    | nobody before
 *	 | busy: number      v    |
 *	 +---------------> IN LINE, behind the one before
 *
 * What is held: OUT nothing; IN LINE the number; while following, for an
 * instant, the byte of the one before too; HELD the lock alone.  Nothing here
 * sleeps: a look says what to sleep for.
 */
#ifndef IPCLOCK_LINE_H
#define IPCLOCK_LINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "os.h"

/* Which bytes of a file are the lock. */
struct place {
	struct os_range exclusive;
	int64_t line;            /* where the line begins, or NO_LINE */
	signed char shared_skip; /* a shared lock leaves out so many bytes at the start */
	bool looks_first;        /* a reader looks at the first byte, as SQLite's do */
	bool refused;            /* the file system has no such bytes: there is no line */
};

#define NO_LINE   INT64_C(-1)
#define NO_NUMBER INT64_C(-1)
#define NOBODY    INT64_C(-1)

void ipclock__place_slot(struct place *place, unsigned slot, bool in_line);
void ipclock__place_range(struct place *place, struct os_range range);
void ipclock__place_gate(struct place *place, unsigned semaphore);

struct line {
	const struct os_file *file;
	struct place *place;
	enum os_mode mode;
	bool takes_number;     /* it will wait; a single try takes no number */
	bool beside;           /* it cannot stand in this line: a whole-file lock covers it, or it is full */
	int64_t number;
	_Atomic int64_t ahead; /* the byte before ours that is waited for, or NOBODY */

	/* After EBUSY: lock this, and then follow. */
	struct os_range next;
	enum os_mode next_mode;
	bool can_sleep;        /* else look again after a pause */
	bool soiled;           /* the kernel would not unlock: only closing the descriptor does */
};

void ipclock__line_make(struct line *line, const struct os_file *file, struct place *place, enum os_mode mode);

/*
 * The lock at once, if nobody holds it or waits: what nearly every acquire comes
 * to.  Else nothing was locked, and a look tells what is the matter.
 */
bool ipclock__place_take_free(const struct place *place, const struct os_file *file, enum os_mode mode);

/* Is it our turn?  0, or EBUSY and a number was taken if it takes one. */
int ipclock__line_turn(struct line *line);

/* Our turn, and the lock.  0: held, number given back.  EBUSY: see next. */
int ipclock__line_look(struct line *line);

/* The lock out of turn. */
int ipclock__line_take(struct line *line);

/* next was locked: 0, it was the lock; EBUSY, look again. */
int ipclock__line_follow(struct line *line);

/* Gives back everything but the lock.  ENOLCK: soiled. */
int ipclock__line_leave(struct line *line);

/* Does nobody at all hold the lock?  Locks of this description do not count. */
bool ipclock__line_lock_is_free(const struct line *line);

/* Gives the lock back, in either mode. */
int ipclock__place_unlock(const struct place *place, const struct os_file *file);

/* Gives whatever the description has in the line back. */
int ipclock__place_leave_line(const struct place *place, const struct os_file *file);

/* Gives lock and line back, for a description that cannot be closed. */
int ipclock__place_clean(const struct place *place, const struct os_file *file);

/* The lock and its line at once, for a query: only of a gate, where nothing lies between. */
struct os_range ipclock__place_whole_gate(const struct place *place);

/* The lock's bytes in that mode. */
static inline struct os_range
ipclock__place_range_of(const struct place *place, enum os_mode mode)
{
	struct os_range range = place->exclusive;

	if (mode == OS_SHARED && place->shared_skip) {
		range.start += place->shared_skip;
		range.len -= place->shared_skip;
	}
	return range;
}

#endif
