/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A server that is none: it answers each command as a lock's server does, but for one answer, which is as the test
 * wants it.  On a unix socket in the test's directory, by a thread.
 */
#ifndef TESTS_REDIS_FAKE_H
#define TESTS_REDIS_FAKE_H

#include <stddef.h>

struct fake {
	const char *ask;        /* the answers to scripts, by turns: a text, or with a '|' between two or more */
	const char *who;
	long odd_at;            /* the number of the command, from 0, that is answered oddly; -1: none */
	const char *odd;        /* by this; NULL: by what is right, as far as cut */
	size_t cut;             /* so many bytes of it; 0: all */
	int hangs_up;           /* and then the connection is closed */
	int drips;              /* a byte at a time */
	long endless;           /* and then this text again, so many times */
	void (*before)(void);   /* it is called before the odd answer */
};

/* Starts; *fake may be changed while no connection is made. */
void fake_start(struct fake *fake);
void fake_stop(void);

/* unix://PATH */
const char *fake_url(void);

/* How many commands were answered since the last call, and the length of the odd answer. */
long fake_count(void);
size_t fake_odd_length(void);

#endif
