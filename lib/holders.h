/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Who holds and who waits: what the system tells of locked bytes, read as
 * holders of a lock and numbers in its line.
 */
#ifndef IPCLOCK_HOLDERS_OBJECT_H
#define IPCLOCK_HOLDERS_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"
#include "os.h"

struct ipclock_holder {
	uint64_t order;   /* HOLDS, or what the waiters are sorted by: HEAD, a number, or behind all numbers */
	long pid;         /* 0: not to be known */
	int place;
	unsigned slot;
	bool writes;
	bool whole;
	char command[64]; /* "": not to be known */
};

/* Which lock, or which semaphore. */
struct sought {
	const char *path;      /* or NULL: fd */
	int fd;
	struct place place;    /* of a semaphore the gate, whose holder is the first who waits */
	struct os_range units; /* of a semaphore; else of length 0 */
	unsigned slot;
	bool whole;
};

int ipclock__holders_each(const struct sought *sought, int (*each)(void *ctx, const struct ipclock_holder *holder),
    void *ctx);

/* "held by pid 812 (write) and 2 more", or "" if there is nobody to be named. */
void ipclock__holders_named(const struct sought *sought, char *text, size_t size);

#endif
