/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The process lock: one holder at a time, over all threads and processes that
 * name the same file and slot.
 *
 *	struct ipclock *l;
 *
 *	if (ipclock_open(&l, "/run/lock/report", NULL) == 0) {
 *		if (ipclock_acquire(l, 2000) == 0) {
 *			...
 *			ipclock_release(l);
 *		}
 *		ipclock_close(l);
 *	}
 *
 * It is the exclusive mode of the reader-writer lock (ipclock/rw_lock.h): same
 * bytes, so the two exclude each other.
 *
 * Threads: a handle may be shared by threads and then works like a mutex; any
 * thread may release.  Two handles on one file exclude each other.
 * Fork: the child holds nothing and its handles open the file anew.
 * Crash: the kernel frees the lock; nothing needs cleaning.
 */
#ifndef IPCLOCK_PROCESS_LOCK_H
#define IPCLOCK_PROCESS_LOCK_H

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock;
struct ipclock_attr;

/*
 * Opens, and if need be makes, the lock file; locks nothing.  A relative path
 * means the same file after chdir(2).  attr NULL: the defaults.
 *
 * EINVAL	lock or path NULL, path empty, longer than PATH_MAX, or not a regular
 *		file (with IPCLOCK_FLOCK a directory will do); IPCLOCK_UNLINK with a
 *		range or IPCLOCK_FLOCK
 * ELOOP	path is a symbolic link
 * ENOENT	no such directory (see IPCLOCK_MKDIR), or no file and IPCLOCK_NOCREATE
 * EACCES, EROFS, EMFILE, ENFILE, ENOSPC, ENOMEM, EIO, ENOTDIR ... as from open(2)
 * ESTALE	the file was made and removed for ever faster than we could follow
 * ENOTSUP	IPCLOCK_INHERIT where locks do not pass to a child; on Windows
 *		IPCLOCK_FLOCK and IPCLOCK_UNLINK
 * EBUSY	on Windows: another has the file open for himself alone, or it is
 *		being deleted
 */
int ipclock_open(struct ipclock **lock, const char *path, const struct ipclock_attr *attr);

/*
 * A handle on a descriptor of the caller's, who keeps it open and closes it
 * after the handle: its open file description then owns the lock, and shares it
 * with every duplicate of the descriptor.  The path is neither known nor
 * checked.  In the child of a fork(2) acquire, start and release say EPERM.
 *
 * EBADF	not an open descriptor
 * EINVAL	lock NULL, or not a regular file (with IPCLOCK_FLOCK a directory will
 *		do); IPCLOCK_UNLINK
 * ENOMEM, ENOTSUP: as ipclock_open()
 */
int ipclock_open_fd(struct ipclock **lock, int fd, const struct ipclock_attr *attr);

/*
 * Acquires.  Waiters are served in order of arrival.
 *
 * 0		held
 * EBUSY	timeout_ms 0: somebody holds it, or waits for it
 * ETIMEDOUT	waited timeout_ms in vain; a last try was made at the end
 * EDEADLK	IPCLOCK_FOREVER: this thread holds it exclusively already, through this or another handle,
 *		or has started a wait for it through this one
 * ECANCELED	the cancel callback said so
 * EINTR	with IPCLOCK_INTERRUPTIBLE: a signal handler ran
 * EINVAL	timeout_ms below -1
 * EACCES, EROFS the file can only be read, which is enough for IPCLOCK_FLOCK
 * EBADF	from ipclock_open_fd(): the descriptor cannot write
 * EPERM	a handle of ipclock_open_fd() in the child of a fork(2)
 * ENOTSUP	this file system or kernel has no such locks
 * ENOLCK, EIO	the kernel or the file server could not
 * ENOMEM	with IPCLOCK_RECURSIVE, for one more owner
 * ESTALE	the lock file was replaced for ever faster than we could follow
 * and what ipclock_open() says, where the file must be opened again.
 * After an error no more is held than before, and the caller may try again.
 */
int ipclock_acquire(struct ipclock *lock, int timeout_ms);

/*
 * Releases.  EPERM: this process does not hold it, or with IPCLOCK_RECURSIVE
 * another thread does.  ENOLCK, EIO: the kernel refused; the descriptor was
 * closed, which frees the lock all the same.  ESTALE, on systems without open
 * file description locks: it was lost before, to a close of the lock file by
 * other code of this process.
 */
int ipclock_release(struct ipclock *lock);

/*
 * Releases what is held, cancels what was started, frees the handle.  No other
 * thread may be using it.  0, or EINVAL for NULL.
 */
int ipclock_close(struct ipclock *lock);

/*
 * Waiting without blocking, for event loops: start, then step whenever pollfd
 * is readable or wait_ms is over, until step says something else than
 * EINPROGRESS.  ipclock_start(3) has a whole program.
 *
 * start returns 0 (held), EINPROGRESS (waiting), or what acquire returns;
 * never EDEADLK, since an event loop's tasks share a thread.  Where a wait is
 * started already it says EINPROGRESS and changes nothing.  A started wait
 * belongs to one thread: step and cancel are not for two at once.
 */
int ipclock_start(struct ipclock *lock, int timeout_ms);

/*
 * Goes on: 0, EINPROGRESS, or what acquire returns.  With EINPROGRESS *wait_ms
 * is the time until the next step is due at the latest, 0 or more; it may be NULL.
 * ECANCELED after ipclock_cancel() and in the child of a fork(2); EINVAL where
 * nothing was started.
 */
int ipclock_step(struct ipclock *lock, int *wait_ms);

/*
 * A descriptor that is readable when a step can go on, for poll(2) and its
 * kind; never to be read or closed.  It stays the same from its first use until
 * close.  -1: there is none here, and only wait_ms counts.
 */
int ipclock_pollfd(struct ipclock *lock);

/* Ends a started wait and leaves the line.  Does nothing where none was started. */
void ipclock_cancel(struct ipclock *lock);

/* The descriptor of the lock file, or -1.  It may be another one after the next acquire. */
int ipclock_fd(struct ipclock *lock);

/* The absolute path, until close; NULL for a handle of ipclock_open_fd(). */
const char *ipclock_path(struct ipclock *lock);

/*
 * What failed last through this handle, as a sentence: operation, path, error,
 * time waited, and after EBUSY and ETIMEDOUT who holds it now, if that can be
 * known; "" if the last call succeeded.  NULL: the calling thread's last call,
 * for a failed open too.  Valid until this thread's next call.
 */
const char *ipclock_message(struct ipclock *lock);

/* 1 while this process holds the lock through this handle, else 0. */
int ipclock_held(struct ipclock *lock);

/* How often the last acquire asked for the lock, and how long it waited. */
long ipclock_attempts(struct ipclock *lock);
long ipclock_waited_ms(struct ipclock *lock);

#ifdef __cplusplus
}
#endif

#endif
