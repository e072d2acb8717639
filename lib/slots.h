/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The units of a semaphore, and those that a handle has: each by an open file
 * description of its own, so that the kernel excludes the units of one handle
 * from each other, too, and frees each by itself.  Units are bytes of one file,
 * or whole files.  Nothing here waits; the handle's mutex guards it.
 */
#ifndef IPCLOCK_SLOTS_H
#define IPCLOCK_SLOTS_H

#include <stdbool.h>

#include "lock_file.h"
#include "os.h"

struct unit;

struct slots {
	unsigned count;
	unsigned next;                 /* where to look first: what was given back last */
	int64_t first;                 /* the byte of unit 0 */
	bool trust_path;
	const struct lock_file *model; /* how to open a file, and the path for units that are bytes */
	const char *directory;         /* NULL: units are bytes; else whole files */
	const char *name;
	const char *pattern;
	struct unit *units;
	struct os_id id;               /* the file of the last unit that was taken */
};

/* The path of a file; ENAMETOOLONG, EINVAL. */
#define MOST_SLOT_PATH 4096
int ipclock__slots_path(const struct slots *slots, unsigned slot, char *path);

/* Some free one.  EBUSY: there is none. */
int ipclock__slots_take(struct slots *slots, unsigned *slot);

/* EPERM: not held here.  After another error it is free all the same. */
int ipclock__slots_give(struct slots *slots, unsigned slot);

/* How many are free; stops counting at most. */
int ipclock__slots_free(struct slots *slots, unsigned most, unsigned *count);

unsigned ipclock__slots_held(const struct slots *slots);

/* The descriptor, or -1. */
int ipclock__slots_fd(const struct slots *slots, unsigned slot);

/* Gives all back. */
void ipclock__slots_close(struct slots *slots);

#endif
