/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Replacing a file as a whole: whoever reads it sees the old contents or the
 * new, and so does whoever looks after a crash.
 *
 *	struct ipclock_replace *r;
 *
 *	if (ipclock_replace_open(&r, "/etc/app.conf", 0) == 0) {
 *		if (dprintf(ipclock_replace_fd(r), "speed %d\n", speed) > 0)
 *			error = ipclock_replace_commit(r);
 *		ipclock_replace_abort(r);
 *	}
 *
 * The new contents are written to a file of their own in the directory of the
 * old one, which takes its place by rename(2).  No lock is taken on the target:
 * of two that replace it at once the last to commit wins.  Who reads, changes
 * and replaces takes a lock around all of it.
 *
 * Threads: a handle is used by one thread at a time.
 * Fork: commit and abort in the child are EPERM; the parent's goes on.
 * Crash: the next replacement of the path removes what a dead one left.
 */
#ifndef IPCLOCK_REPLACE_H
#define IPCLOCK_REPLACE_H

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock_replace;

#define IPCLOCK_REPLACE_NEW    1u /* EEXIST where there is a target */
#define IPCLOCK_REPLACE_FOLLOW 2u /* replace what a symbolic link leads to; else that is ELOOP */

/*
 * Begins: makes an empty file, which has no name, or beside the target the
 * name .NAME.ipclock-NN, NN from 00 to 31.  The target need not be there.  A
 * relative path, and links, are resolved now: chdir(2) and a renamed directory
 * change nothing.  First it removes such files of the same target whose writer
 * is dead, at the cost of one system call a name, whatever the directory's size.
 *
 * EINVAL	replace or path NULL; path empty or longer than PATH_MAX; unknown
 *		flags; a FIFO, socket or device; a name of the form .NAME.ipclock-NN
 * EISDIR	path is a directory
 * ELOOP	path is a symbolic link; with IPCLOCK_REPLACE_FOLLOW, too many of them
 * EEXIST	IPCLOCK_REPLACE_NEW, and something is there
 * ENOENT, ENOTDIR no such directory
 * EACCES	the directory cannot be written, or not be read: fsync(2) needs that
 * EBUSY	32 others are replacing it, where each needs a name; try again
 * ENOTSUP, ENOLCK the file system has no flock(2), by which a live writer is told
 * EROFS, EPERM, EMFILE, ENFILE, ENOSPC, EDQUOT, ENAMETOOLONG, ENOMEM, EIO: as from open(2)
 */
int ipclock_replace_open(struct ipclock_replace **replace, const char *path, unsigned flags);

/*
 * The descriptor to write to, and to read from, until abort; -1 for NULL.  It
 * closes on exec.  It is not to be closed: with stdio give fdopen(3) a dup(2) of
 * it, and fclose(3) that before the commit.  On Windows it is the value of a
 * HANDLE, for WriteFile().
 */
int ipclock_replace_fd(struct ipclock_replace *replace);

/*
 * Puts the new contents in place: metadata, fsync(2) of the file, rename(2),
 * fsync(2) of the directory.  What to keep is asked of the target as it is now:
 *
 * - Owner and group, if this process may give them.  If not, the owner's and
 *   the group's set-id bit go, and where the group is another, group and others
 *   get only what both had.
 * - On Linux the access ACL, and the attributes user.* and security.* (not
 *   ima and evm), as far as it may.  Without its ACL the file is for its owner only.
 * - The mode, less what is said above.
 *
 * On Linux no kept right is ever wider than before.  A file without a target has what
 * the umask, or the directory's default ACL, left at open; if the target was
 * removed after open, 0600.  Elsewhere than on Linux ACLs and attributes are
 * not seen.
 *
 * 0		the new contents are in place and on disk
 * EINVAL	replace NULL; committed already; the target became a FIFO or the like
 * EPERM	in the child of a fork(2); or the directory or target is immutable, append-only, or
 *		another's in a sticky directory
 * EBADF	the descriptor was closed by other code: write it all again, with a new handle
 * EIO, ENOSPC, EDQUOT, from fsync(2) of the file: the contents are not safe, and
 *		every further commit says so too: write it all again, with a new handle
 * EEXIST, EISDIR, ELOOP: what took the target's place since open, as from open
 * EBUSY	the target is a mount point, or 32 names are taken; on Windows, or it is open
 * ENOENT	the directory was removed
 * EACCES, EROFS, ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, EIO: as from open(2), rename(2), link(2) and setxattr(2)
 *
 * After these errors the target is untouched, and but for EBADF, EPERM in a
 * child and what fsync(2) said, commit may be tried again when the cause is gone.
 *
 * One error comes after the rename: of fsync(2) of the directory (EIO, ENOSPC,
 * EDQUOT).  Everybody sees the new contents, but a power cut may bring the old
 * ones back.  The message says "in place", and a second commit says EINVAL.  A
 * file system that cannot sync a directory (EINVAL) is not an error.
 */
int ipclock_replace_commit(struct ipclock_replace *replace);

/*
 * Frees the handle and closes the descriptor, always.  Before a commit, or after
 * one that failed before the rename, the new contents are thrown away and their
 * name is removed.  EINVAL for NULL; EPERM in the child of a fork(2), where only
 * the child's copy is freed.
 */
int ipclock_replace_abort(struct ipclock_replace *replace);

/* The absolute path as it was asked for, until abort; NULL for NULL. */
const char *ipclock_replace_path(struct ipclock_replace *replace);

/* What failed last through this handle, as a sentence; "" if nothing did.  NULL: as ipclock_message(NULL). */
const char *ipclock_replace_message(struct ipclock_replace *replace);

#ifdef __cplusplus
}
#endif

#endif
