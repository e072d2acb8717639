/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The soft lock: held while a file, the marker, exists.  It needs no locks of
 * the kernel or of a file server, only link(2), and so works on every kind of
 * NFS; but a crash leaves the marker behind, there is no order of arrival, and
 * waiting is asking again by backoff.  Where the process lock works, use that.
 *
 *	struct ipclock_soft *soft;
 *
 *	if (ipclock_soft_open(&soft, "/srv/mail/box.lock", NULL) == 0) {
 *		if (ipclock_soft_acquire(soft, 2000) == 0) {
 *			...
 *			ipclock_soft_release(soft);
 *		}
 *		ipclock_soft_close(soft);
 *	}
 *
 * The marker says who made it.  It is stale when its owner is proven dead: same
 * host, boot and pid namespace and no such process, or an earlier boot of the
 * same machine.  The next acquire removes a stale one.  Nobody judges an owner
 * on another host, nor a file that is not a marker of this library.
 *
 * Threads: a handle may be shared; any thread may release.  Two handles on one
 * path exclude each other.
 * Fork: the child holds nothing; the parent's marker stays the parent's.
 * Windows: a start time stands for boot and pid namespace, and rename for link(2).
 * Exec: the marker stays, for as long as the process lives.
 */
#ifndef IPCLOCK_SOFT_LOCK_H
#define IPCLOCK_SOFT_LOCK_H

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock_attr;
struct ipclock_owner;
struct ipclock_soft;

/*
 * Makes a handle; touches no file.  A relative path means the same file after
 * chdir(2).  Of attr count backoff, jitter, sleep, cancel, log, mode (the
 * marker's permissions), IPCLOCK_MKDIR and IPCLOCK_INTERRUPTIBLE; IPCLOCK_POLL
 * and IPCLOCK_UNFAIR say what is so anyway.
 *
 * EINVAL	soft or path NULL; path empty, too long, or ending in a slash, "." or
 *		".."; an option in attr that means nothing here
 * ENOMEM
 */
int ipclock_soft_open(struct ipclock_soft **soft, const char *path, const struct ipclock_attr *attr);

/*
 * Markers made from now on may be broken by anybody, on any host, when they were
 * not touched for lease_ms, 1 or more; 0: no lease, the default.  The holder
 * calls ipclock_soft_touch() at least every third of that.  lost, if not NULL,
 * is called once for each lock that touch, release or acquire finds to be lost,
 * in the thread that called it, before it returns.
 *
 * EINVAL	soft NULL, lease_ms below 0
 * EBUSY	the lock is held through this handle
 */
int ipclock_soft_set_lease(struct ipclock_soft *soft, int lease_ms, void (*lost)(void *ctx), void *ctx);

/*
 * Acquires.
 *
 * 0		held
 * EBUSY	timeout_ms 0: something is at the path, and not known to be stale
 * ETIMEDOUT	waited timeout_ms in vain; a last try was made at the end
 * EDEADLK	IPCLOCK_FOREVER: this thread holds it already, through this or another handle
 * ECANCELED	the cancel callback said so
 * EINTR	with IPCLOCK_INTERRUPTIBLE: a signal handler ran
 * EINVAL	timeout_ms below -1; at the path is a directory, FIFO, socket or device
 * ELOOP	at the path is a symbolic link
 * ENOTSUP	the file system has no hard links
 * ENOENT	no such directory (see IPCLOCK_MKDIR)
 * EACCES, EROFS, ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, ENAMETOOLONG, EIO, ESTALE: no file can be made there
 * After an error no more is held than before, and the caller may try again.
 */
int ipclock_soft_acquire(struct ipclock_soft *soft, int timeout_ms);

/*
 * The heartbeat of a lease.  EPERM: not held here.  ESTALE: it was lost, and is
 * not held any more.  EBUSY: another process keeps the marker locked by flock(2),
 * as anybody may who can read it; held still, touch again soon.  EIO and its
 * like: the file server did not say; held still.
 */
int ipclock_soft_touch(struct ipclock_soft *soft);

/*
 * Releases.  EPERM: not held here.  ESTALE: it was lost before; nothing was
 * removed.  EBUSY, with a lease: as for touch.  Another error: the marker could
 * not be removed and the lock is still held; try again.
 */
int ipclock_soft_release(struct ipclock_soft *soft);

/*
 * Removes the marker whoever made it.  DANGEROUS: its owner, if it lives, goes on
 * in the belief that it holds the lock, and finds out when it releases.
 *
 * ENOENT	there is no marker
 * EEXIST	what is there is not a marker of this library: never removed by it
 * EBUSY	another is about to break it
 * EINVAL	soft NULL; or what acquire says of the path
 * EACCES, EPERM, EROFS, EIO: it cannot be read or removed
 */
int ipclock_soft_break(struct ipclock_soft *soft);

/* 1 while this process holds the lock through this handle, as far as it knows; else 0. */
int ipclock_soft_held(struct ipclock_soft *soft);

/*
 * Who made the marker that is there now.  To be freed with ipclock_owner_free().
 * ENOENT: nobody.  EACCES: it cannot be read.  EINVAL: soft or owner NULL, or
 * what is there is no regular file.  ELOOP, ENOMEM, EMFILE, ENFILE, EIO.
 */
int ipclock_soft_owner(struct ipclock_soft *soft, struct ipclock_owner **owner);

/* The absolute path, until close. */
const char *ipclock_soft_path(struct ipclock_soft *soft);

/*
 * What failed last through this handle, as a sentence; after EBUSY and ETIMEDOUT
 * with the owner; "" if the last call succeeded.  Valid until this thread's next call.
 */
const char *ipclock_soft_message(struct ipclock_soft *soft);

/* Releases what is held and frees the handle.  No other thread may be using it.  0, or EINVAL for NULL. */
int ipclock_soft_close(struct ipclock_soft *soft);

/* States of an owner. */
#define IPCLOCK_OWNER_UNKNOWN 0 /* on another host, in another container, or not told */
#define IPCLOCK_OWNER_ALIVE   1
#define IPCLOCK_OWNER_DEAD    2 /* proven; of another program's file: it seems so */

/* The process, on its host; 0: not known. */
long ipclock_owner_pid(const struct ipclock_owner *owner);

/* NULL: not known. */
const char *ipclock_owner_host(const struct ipclock_owner *owner);
const char *ipclock_owner_boot_id(const struct ipclock_owner *owner);

/* As it was when ipclock_soft_owner() looked. */
int ipclock_owner_state(const struct ipclock_owner *owner);

/* NULL is allowed. */
void ipclock_owner_free(struct ipclock_owner *owner);

#ifdef __cplusplus
}
#endif

#endif
