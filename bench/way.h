/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The ways to lock that are measured beside each other: a table of rows for
 * each family, in bench/way_FAMILY.c.  C++ reads this, too.
 */
#ifndef BENCH_WAY_H
#define BENCH_WAY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What all others are compared with. */
#define WAY_RAW "raw-ofd"

/* A failure of any function ends the process. */
struct way {
	const char *name;
	void *(*open)(const struct way *way, const char *path, unsigned slot); /* slot 0 where there are none */
	void (*acquire)(void *lock, int write);
	void (*release)(void *lock, int write);
	void (*close)(void *lock);
	void (*inherit)(void *lock); /* in a child of fork(2); NULL: it opens anew */
	int shares;                  /* may be held for reading by several */
	int kind, timeout_ms;        /* the family's own */
	unsigned flags;
	const char *python; /* the module: the measured process is bench/peer.py, and what is here excludes it */
};

/* Each ends with a row without a name.  Those that are not compiled in are missing: see way.c. */
extern const struct way ipclock_ways[], raw_ways[], pthread_ways[], sem_ways[], peer_ways[];
extern const struct way apr_ways[], boost_ways[], lockfile_ways[], sqlite_ways[];

/* The way of that name, NULL if it is not here, or the end of the program if there is none such. */
const struct way *way_find(const char *name);

/* "NAME here" or "NAME missing PACKAGE" for each. */
void way_list(void);

struct lock {
	const struct way *way;
	void *state;
	char path[64];
};

/* Each way has a file of its own in the working directory. */
void lock_open(struct lock *l, const struct way *way, unsigned slot);
void lock_inherit(struct lock *l);
void lock_acquire(struct lock *l, int write);
void lock_release(struct lock *l, int write);
void lock_close(struct lock *l);

/* For an .inherit that needs nothing. */
void way_inherit(void *lock);

/* The file, opened for reading and writing, or the end. */
int must_open_file(const char *path);
void *must_allocate(unsigned long size);

/* Becomes $PEER: WHAT MODULE PATH NUMBER... */
void peer_exec(const char *what, const struct way *way, const char *path, const long long *numbers, int n);
int peer_is_here(const struct way *way);

void die(const char *what);

#ifdef __cplusplus
}
#endif

#endif
