/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Who holds a lock, and who waits for it in which place: asked without acquiring. */
#ifndef IPCLOCK_HOLDERS_H
#define IPCLOCK_HOLDERS_H

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock_attr;
struct ipclock_holder;

/*
 * Calls each for every process that holds the lock which path and the slot,
 * range and protocol in attr name (NULL: the defaults), and then for every one
 * that waits, in order of place.  What each returns, if not 0, ends that.  The
 * file need not be readable, is not changed, and is not made.
 *
 * It is a look at a moment, over when it is told: good for people, not for
 * decisions.  A system may hide the processes of other users and of other
 * pid namespaces: their locks are told with pid 0, or not at all.
 *
 * EINVAL	path NULL, empty, longer than PATH_MAX, or no file of that protocol; each NULL
 * ENOENT	no such file
 * ELOOP	path is a symbolic link
 * EACCES	a directory of path may not be searched, or only reading the file could tell
 * ENOMEM, EMFILE, ENFILE: try again later
 * ENOTSUP	the system does not tell of such locks
 */
int ipclock_holders(const char *path, const struct ipclock_attr *attr,
    int (*each)(void *ctx, const struct ipclock_holder *holder), void *ctx);

/* The process, or 0 if that is not to be known. */
long ipclock_holder_pid(const struct ipclock_holder *holder);

/* 1: exclusive, 0: shared. */
int ipclock_holder_writes(const struct ipclock_holder *holder);

/* 0: it holds the lock; n, 1 or more: it waits as the nth. */
int ipclock_holder_place(const struct ipclock_holder *holder);

/* IPCLOCK_RANGE or IPCLOCK_FLOCK. */
int ipclock_holder_protocol(const struct ipclock_holder *holder);

/* The slot that was asked for; of ipclock_sem_holders() the one that is taken, and 0 of who waits. */
unsigned ipclock_holder_slot(const struct ipclock_holder *holder);

/* The name of its program, during the call of each; NULL if that is not to be known. */
const char *ipclock_holder_command(const struct ipclock_holder *holder);

#ifdef __cplusplus
}
#endif

#endif
