/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The pid file of a daemon: one instance at a time, and its pid for all to read.
 *
 *	struct ipclock_pidfile *p;
 *	pid_t other;
 *	int error = ipclock_pidfile_open(&p, "/run/fetchd.pid", 0644, &other);
 *
 *	if (error == EEXIST)
 *		errx(1, "already running, with pid %ld", (long)other);
 *	if (daemon(0, 0) != 0 || ipclock_pidfile_write(p) != 0)
 *		...
 *	...
 *	ipclock_pidfile_remove(p);
 *
 * The lock decides, never the pid: an instance that was killed leaves its pid
 * in the file, and is in nobody's way.  It is the exclusive lock of slot 0, as
 * ipclock_open() has it, so that the two exclude each other.
 *
 * Threads: a handle may be shared by threads, but for close and remove.
 * Fork: the lock passes to the child and is held until all who have it have
 * closed it or are gone.  In a build on classic fcntl(2) locks it does not pass:
 * write takes it anew in the child.
 * Windows: there is no fork, and mode can make the file read-only and no more.
 * Crash: the kernel frees the lock; nothing needs cleaning.
 */
#ifndef IPCLOCK_PIDFILE_H
#define IPCLOCK_PIDFILE_H

/* What pid_t is in the library; MSVC has no such type. */
#ifdef _MSC_VER
#include <stdint.h>
#define IPCLOCK_PID_ intptr_t
#else
#include <sys/types.h>
#define IPCLOCK_PID_ pid_t
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock_pidfile;

/*
 * Opens, and if need be makes, the file at path, locks it, and empties it.
 * mode: the permission bits, 0 to 0777, of a new file, whatever the umask.  A
 * relative path means the same file after chdir(2).  other may be NULL.
 *
 * EEXIST	another instance holds it: *other is the pid in the file, or -1 if
 *		it has written none in the 100 ms that we gave it
 * EINVAL	pidfile or path NULL, path empty or too long, not a regular file, or mode beyond 0777
 * EACCES, EROFS the file cannot be written
 * ENOTSUP	this file system or kernel has no such locks
 * and what ipclock_open() says.  Nothing is held then, and *other is -1 unless
 * it says EEXIST.
 */
int ipclock_pidfile_open(struct ipclock_pidfile **pidfile, const char *path, unsigned mode, IPCLOCK_PID_ *other);

/*
 * Writes the calling process's pid and a newline, in place of what is there.
 * After another fork(2) the child may write its own.  After an error the file
 * is empty or as it was, and the lock held as before.
 *
 * ESTALE	the file was removed or replaced: close, and open again
 * EBADF	the descriptor was closed by other code, and the lock with it
 * EEXIST	where locks do not pass to a child: another instance was quicker, or
 *		the parent lived on for a second
 * EINVAL	pidfile NULL
 * ENOSPC, EDQUOT, EFBIG, EIO, as from write(2)
 */
int ipclock_pidfile_write(struct ipclock_pidfile *pidfile);

/*
 * Closes the descriptor and frees the handle; the file stays as it is.  Other
 * processes that have the lock by fork(2) keep it: this is for the one of
 * parent and child that does not want it.  0, or EINVAL for NULL.
 */
int ipclock_pidfile_close(struct ipclock_pidfile *pidfile);

/*
 * Removes the file, and then closes.  After an error nothing was removed, and
 * the handle is still to be closed.
 *
 * EPERM	the pid in the file is not the calling process's (an empty file will do), or it does not hold the lock
 * ESTALE	the file was removed or replaced
 * EBADF	the descriptor was closed by other code
 * EINVAL	pidfile NULL
 * EACCES, EROFS, as from unlink(2)
 * On Windows the file is closed, and free, before it is removed, even where
 * that fails then: EBUSY, another program has it open.
 */
int ipclock_pidfile_remove(struct ipclock_pidfile *pidfile);

/* The descriptor of the file, or -1.  It is closed by exec.  On Windows: the value of a HANDLE. */
int ipclock_pidfile_fd(struct ipclock_pidfile *pidfile);

#ifdef __cplusplus
}
#endif

#endif
