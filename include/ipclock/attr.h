/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Options of a lock.  An object of options is read once, when a lock is
 * opened, and may be changed, used again or freed afterwards.  NULL in its
 * place means the defaults.  One object must not be changed by two threads at
 * once.  Each setter returns 0, or EINVAL for a value out of its range and
 * then changes nothing.
 *
 * Callbacks run in the thread that made the call, with no lock of the library
 * held.  They may use the library, but must not close the handle.
 */
#ifndef IPCLOCK_ATTR_H
#define IPCLOCK_ATTR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A timeout: wait for ever.  0 tries once; n > 0 waits n milliseconds. */
#define IPCLOCK_FOREVER (-1)

/* Flags for ipclock_attr_set_flags(). */
#define IPCLOCK_RECURSIVE         0x0001u /* the thread that holds may acquire again */
#define IPCLOCK_RECURSIVE_PROCESS 0x0002u /* any thread of the process that holds may */
#define IPCLOCK_UNFAIR            0x0004u /* skip the line: more throughput, no order */
#define IPCLOCK_TRUST_PATH        0x0008u /* the file is never replaced: do not check */
#define IPCLOCK_POLL              0x0010u /* never sleep in the kernel's queue */
#define IPCLOCK_INTERRUPTIBLE     0x0020u /* a signal handler ends a wait with EINTR; one with SA_RESTART may not */
#define IPCLOCK_NOCREATE          0x0040u /* the file must be there: else ENOENT */
#define IPCLOCK_INHERIT           0x0080u /* a lock that is held passes to the child of fork(2) */
#define IPCLOCK_MKDIR             0x0100u /* make missing parent directories */
#define IPCLOCK_UNLINK            0x0200u /* who leaves the file with no holder and no waiter removes it */

/* Families of locks for ipclock_attr_set_protocol(): they do not see each other. */
#define IPCLOCK_RANGE 0 /* byte ranges: fcntl(2), LockFileEx; the default */
#define IPCLOCK_FLOCK 1 /* flock(2) on the whole file */

/* Levels of a log line. */
#define IPCLOCK_LOG_DEBUG   0 /* a wait begins */
#define IPCLOCK_LOG_INFO    1 /* granted after a wait */
#define IPCLOCK_LOG_WARNING 2 /* given up; a soft lock lost; a promise that cannot be kept here */

struct ipclock_attr;

/* Makes an object with the defaults.  EINVAL, ENOMEM. */
int ipclock_attr_new(struct ipclock_attr **attr);

/* Frees it.  NULL is allowed. */
void ipclock_attr_free(struct ipclock_attr *attr);

/*
 * The pauses of a wait that asks again and again: step_ms, 2 * step_ms,
 * 3 * step_ms ... max_ms, max_ms.  Default 10 and 100, the schedule of
 * Python's fasteners.  step_ms is 1 or more, max_ms 0 or more;
 * step_ms >= max_ms means max_ms = step_ms.  A wait in the kernel's queue has
 * no pauses; a cancel callback is still asked that often.
 */
int ipclock_attr_set_backoff(struct ipclock_attr *attr, int step_ms, int max_ms);

/* Each pause is made longer or shorter at random by up to percent, 0 to 100. Default 0. */
int ipclock_attr_set_jitter(struct ipclock_attr *attr, int percent);

/*
 * Called in place of sleeping, with the pause in milliseconds; the wait is then
 * by backoff.  NULL: sleep.
 */
int ipclock_attr_set_sleep(struct ipclock_attr *attr, void (*sleep)(void *ctx, int ms), void *ctx);

/* Asked before each pause; not 0 ends the wait with ECANCELED.  NULL: nobody is asked. */
int ipclock_attr_set_cancel(struct ipclock_attr *attr, int (*cancel)(void *ctx), void *ctx);

/* Hears of waits and warnings: one line, no newline, valid during the call.  NULL: silence. */
int ipclock_attr_set_log(struct ipclock_attr *attr, void (*log)(void *ctx, int level, const char *line), void *ctx);

/*
 * IPCLOCK_RANGE, the default, or IPCLOCK_FLOCK, to share with flock(1) and its
 * family: the whole file, or a directory; no line and so no order of arrival,
 * no downgrade and no upgrade (ENOTSUP).  EINVAL for another, and for
 * IPCLOCK_FLOCK with a slot or a range.
 */
int ipclock_attr_set_protocol(struct ipclock_attr *attr, int protocol);

/*
 * Which of a file's 2097152 independent locks, from 0.  Default 0, whose bytes
 * are SQLite's.  EINVAL beyond 2097151, or after ipclock_attr_set_range() or
 * IPCLOCK_FLOCK.
 */
int ipclock_attr_set_slot(struct ipclock_attr *attr, unsigned slot);

/*
 * Locks this plain byte range in place of a slot, for a foreign protocol:
 * len 0 is to the end of whatever the file may become, so 0, 0 is the whole
 * file (fasteners, lockf); 0, 1 is what most Windows programs lock.  No line:
 * waiters are served as the kernel likes.  EINVAL for a negative number, an
 * end beyond INT64_MAX, or after ipclock_attr_set_slot() or IPCLOCK_FLOCK.
 */
int ipclock_attr_set_range(struct ipclock_attr *attr, int64_t start, int64_t len);

/*
 * Permission bits, 0 to 0777, that a lock file gets when this handle makes it,
 * whatever the umask; a file that is there keeps its own.  Default: 0666 less
 * the umask.
 */
int ipclock_attr_set_mode(struct ipclock_attr *attr, unsigned perm);

/*
 * The flags, all at once.  EINVAL for an unknown one, for IPCLOCK_RECURSIVE with
 * IPCLOCK_RECURSIVE_PROCESS, and for IPCLOCK_UNLINK with IPCLOCK_TRUST_PATH.
 *
 * IPCLOCK_UNLINK: a release after which nobody holds or waits in any slot
 * removes the file, while the whole of it is locked exclusively; waiters that
 * opened it before find it gone and go on with a new one.  Every program that
 * uses the file must use this library, without IPCLOCK_TRUST_PATH.  A holder that
 * is killed leaves the file to the next that releases; one that may not be
 * removed stays.  For slots only: a range, IPCLOCK_FLOCK or a descriptor of
 * the caller's with it is EINVAL when the lock is opened.
 */
int ipclock_attr_set_flags(struct ipclock_attr *attr, unsigned flags);

#ifdef __cplusplus
}
#endif

#endif
