/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Names in an open directory, by the *at() calls of POSIX; flock(2). */

#include <config.h>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os.h"
#include "os_replace.h"
#include "os_replace_posix.h"

/* ---- descriptors ---- */

static int
identify(int fd, struct os_id *id)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errno;
	id->device = (uint64_t)st.st_dev;
	id->inode = (uint64_t)st.st_ino;
	return 0;
}

/* Nothing is locked yet, so that a duplicate may take its place. */
static int
leave_standard_descriptors(int *fd)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), error = errno;

	close(*fd);
	*fd = high;
	return high < 0 ? error : 0;
}

int
ipclock__os_open_at(struct os_file *file, int dir, const char *name, int flags, mode_t perm)
{
	int r;

	do
		file->fd = openat(dir == OS_HERE ? AT_FDCWD : dir, name, flags | O_CLOEXEC | O_NOCTTY, perm);
	while (file->fd < 0 && errno == EINTR);
	if (file->fd < 0)
		return errno;
	r = file->fd <= STDERR_FILENO ? leave_standard_descriptors(&file->fd) : 0;
	if (r == 0)
		r = identify(file->fd, &file->id);
	if (r && file->fd >= 0) {
		close(file->fd);
		file->fd = -1;
	}
	return r;
}

void
ipclock__os_new_close(struct os_file *file)
{
	if (file->fd >= 0 && ipclock__os_check(file) != EBADF)
		close(file->fd);
	file->fd = -1;
}

/* ---- directories ---- */

/* The directories above need not be open to us. */
const char *
ipclock__os_dir_start(const char *path, const char *absolute)
{
	(void)absolute;
	return path;
}

int
ipclock__os_dir_open(struct os_file *dir, int from, const char *path)
{
	return ipclock__os_open_at(dir, from, path, O_RDONLY | O_DIRECTORY, 0);
}

size_t
ipclock__os_dir_name_max(int dir)
{
	long max = fpathconf(dir, _PC_NAME_MAX);

	return max > 0 ? (size_t)max : _POSIX_NAME_MAX;
}

static int
sync_retrying(int fd)
{
	int r;

	do
		r = fsync(fd);
	while (r < 0 && errno == EINTR);
	return r < 0 ? errno : 0;
}

int
ipclock__os_dir_sync(int dir)
{
	int r = sync_retrying(dir);

	return r == EINVAL || r == EOPNOTSUPP ? 0 : r; /* a file system without such a thing */
}

int
ipclock__os_entry_look(int dir, const char *name, enum os_entry *entry)
{
	struct stat st;

	*entry = OS_ABSENT;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : errno;
	*entry = S_ISREG(st.st_mode) ? OS_FILE : S_ISLNK(st.st_mode) ? OS_LINK :
	    S_ISDIR(st.st_mode) ? OS_SUBDIRECTORY : OS_SPECIAL;
	return 0;
}

bool
ipclock__os_entry_is(int dir, const char *name, const struct os_id *id)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_dev == id->device &&
	    (uint64_t)st.st_ino == id->inode;
}

int
ipclock__os_entry_read_link(int dir, const char *name, char **text)
{
	char *p = ipclock__os_alloc(PATH_MAX + 1); /* ends with a zero byte */
	ssize_t n;
	int r = 0;

	if (!p)
		return ENOMEM;
	n = readlinkat(dir, name, p, PATH_MAX + 1);
	if (n < 0)
		r = errno;
	else if (n == 0 || n > PATH_MAX - 1)
		r = n ? ENAMETOOLONG : ENOENT;
	*text = p;
	if (r)
		ipclock__os_free(p);
	return r;
}

int
ipclock__os_entry_remove(int dir, const char *name)
{
	int r;

	do
		r = unlinkat(dir, name, 0);
	while (r < 0 && errno == EINTR);
	return r < 0 ? errno : 0;
}

int
ipclock__os_entry_rename(int dir, const char *from, const char *to)
{
	return renameat(dir, from, dir, to) < 0 ? errno : 0;
}

int
ipclock__os_entry_link(int dir, const char *from, const char *to)
{
	return linkat(dir, from, dir, to, 0) < 0 ? errno : 0;
}

/* ---- the new file ---- */

int
ipclock__os_new_named(struct os_file *file, int dir, const char *name, unsigned perm)
{
	return ipclock__os_open_at(file, dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, (mode_t)perm);
}

/* A dead writer may have got as far as to a mode that keeps even its owner from reading or writing. */
int
ipclock__os_new_other(struct os_file *file, int dir, const char *name)
{
	static const int ways[] = { O_RDWR, O_RDONLY, O_WRONLY };
	enum os_entry entry;
	size_t i;
	int r = ipclock__os_entry_look(dir, name, &entry); /* opening a device may do something */

	if (r || entry != OS_FILE)
		return r ? r : entry == OS_ABSENT ? ENOENT : EINVAL;
	r = EACCES;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]) && r == EACCES; i++)
		r = ipclock__os_open_at(file, dir, name, ways[i] | O_NOFOLLOW | O_NONBLOCK, 0);
	return r;
}

int
ipclock__os_new_lock(const struct os_file *file)
{
	int r;

	do
		r = flock(file->fd, LOCK_EX | LOCK_NB);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return EBUSY;
	return errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL ? ENOTSUP : errno;
}

void
ipclock__os_new_unlock(const struct os_file *file)
{
	flock(file->fd, LOCK_UN);
}

int
ipclock__os_new_sync(const struct os_file *file)
{
	return sync_retrying(file->fd);
}

/* ---- metadata ---- */

/* Both, or the group alone, or neither. */
int
ipclock__os_carry_owner(const struct os_file *file, const struct stat *st, struct os_traits *traits)
{
	struct stat now;

	if (fstat(file->fd, &now) < 0)
		return errno;
	if ((now.st_uid != st->st_uid || now.st_gid != st->st_gid) && fchown(file->fd, st->st_uid, st->st_gid) < 0 &&
	    fchown(file->fd, (uid_t)-1, st->st_gid) < 0)
		(void)0; /* how it ended is looked at */
	if (fstat(file->fd, &now) < 0)
		return errno;
	traits->mode = (unsigned)st->st_mode & 07777;
	traits->owner_kept = now.st_uid == st->st_uid;
	traits->group_kept = now.st_gid == st->st_gid;
	traits->acl = OS_ACL_NONE;
	return 0;
}
