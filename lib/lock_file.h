/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A lock file: opened by rules that keep two programs on one inode, checked for
 * having been replaced, never written or truncated, removed only by
 * IPCLOCK_UNLINK, and known to the process's list so that a child of fork(2) can
 * let go of it.
 */
#ifndef IPCLOCK_LOCK_FILE_H
#define IPCLOCK_LOCK_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "os.h"

struct lock_file {
	struct os_file os;      /* os.fd -1: not open; opened at the next use */
	char *path;             /* absolute; NULL: the descriptor is the caller's */
	int read_only;          /* why it could not be opened for writing, or 0 */
	unsigned perm;          /* for a file that we make; NO_PERM: what the umask leaves */
	bool create;
	bool make_parents;
	bool disowned;          /* the caller's descriptor, in the child of a fork */

	/* Who in this process holds what exclusively: guards against deadlock. */
	_Atomic uint64_t writer; /* its thread, or 0 */
	const struct os_range *range;

	/* The process's list, under the process lock. */
	struct lock_file *next;
	struct lock_file *previous;
	void (*forked)(struct lock_file *file);
};

#define NO_PERM (~0u)

/*
 * Opens and lists it.  The caller has filled in perm, create, make_parents,
 * range and forked, which runs in the child of a fork, alone.
 */
int ipclock__lock_file_open(struct lock_file *file, const char *path);
int ipclock__lock_file_adopt(struct lock_file *file, int fd);

/* Closes and unlists it.  What it locks must have been unlocked. */
void ipclock__lock_file_close(struct lock_file *file);

/* Opens it if it is not open, and for writing if that is wanted and can be had now. */
int ipclock__lock_file_ready(struct lock_file *file, bool for_writing);

/* Lets go of the descriptor, and with it of every lock. */
void ipclock__lock_file_drop(struct lock_file *file);

/* 0: the path still names this file.  ESTALE: it does not.  Else it cannot be told. */
int ipclock__lock_file_check(const struct lock_file *file);

/* Removes the name, if it is still this file's; that it is not, or has gone, is no error. */
int ipclock__lock_file_unlink(const struct lock_file *file);

/* Makes the directories before the last name of an absolute path. */
int ipclock__lock_file_make_parents(char *path);

/* Is this file's range held exclusively by that thread, through any handle? */
bool ipclock__lock_file_held_by(const struct lock_file *file, uint64_t thread);

#endif
