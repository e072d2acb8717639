/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The ways to lock that are measured beside each other, by name:
 *
 *	forever       no timeout
 *	timed         a timeout, long enough never to pass
 *	poll          the same with IPCLOCK_POLL
 *	unfair        no timeout, IPCLOCK_UNFAIR
 *	unfair-timed  a timeout, IPCLOCK_UNFAIR
 *	raw           F_OFD_SETLKW on the whole file, with nothing around it
 *	fasteners     Python's, in a Python process: bench/peer.py, named by $PEER
 */
#ifndef BENCH_WAY_H
#define BENCH_WAY_H

#include <stdint.h>

#include <ipclock.h>

struct way {
	const char *name;
	int timeout_ms;
	unsigned flags;
	int raw;    /* by system calls */
	int python; /* the measured process is another program; here it is raw */
};

/* The way of that name, or the end of the program. */
const struct way *way_find(const char *name);

/* Whether it can be had here. */
int way_works(const struct way *way);

/* A lock file opened in such a way. */
struct lock {
	const struct way *way;
	struct ipclock_rw *rw;
	int fd;
};

/* A failure ends the process. */
void lock_open(struct lock *l, const struct way *way, const char *path);
void lock_acquire(struct lock *l, int write);
void lock_release(struct lock *l, int write);

/* Becomes the Python process, with these arguments after the program's. */
void way_exec_peer(char *const args[]);

int64_t now_ns(void);
void pause_ns(int64_t ns);

/* Of this process so far, helpers that are gone included. */
int64_t cpu_us(void);
int64_t switches(void);

void die(const char *what);

#endif
