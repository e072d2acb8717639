/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Byte ranges by open file description locks (Linux 3.15, macOS, POSIX.1-2024): owned
 * by the description, so that threads, and opens and closes elsewhere in the
 * process, do not disturb each other.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os.h"
#include "os_posix.h"
#include "os_range_ofd.h"

/*
 * EAGAIN alone is "busy": EACCES comes from a security module.  Kernels without
 * these locks say EINVAL, and file systems without such offsets too.
 */
int
ipclock__os_range_error(int error)
{
	switch (error) {
	case EAGAIN:
		return EBUSY;
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
	case EOVERFLOW:
		return ENOTSUP;
	default:
		return error;
	}
}

/* None of these sleeps, but a network file system may be interrupted all the same. */
static int
ask_again(const struct os_file *file, int command, struct flock *lock)
{
	int r = errno;

	while (r == EINTR)
		r = fcntl(file->fd, command, lock) < 0 ? errno : 0;
	return ipclock__os_range_error(r);
}

static inline int
ask(const struct os_file *file, int command, struct flock *lock)
{
	return fcntl(file->fd, command, lock) == 0 ? 0 : ask_again(file, command, lock);
}

int
ipclock__os_range_try(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	struct flock lock = ipclock__os_range_request(range, mode);

	return file->whole ? ipclock__os_flock_try(file, mode) : ask(file, F_OFD_SETLK, &lock);
}

int
ipclock__os_range_unlock(const struct os_file *file, struct os_range range)
{
	struct flock lock = ipclock__os_range_request(range, OS_UNLOCKED);

	return file->whole ? ipclock__os_flock_try(file, OS_UNLOCKED) : ask(file, F_OFD_SETLK, &lock);
}

int
ipclock__os_range_query(const struct os_file *file, struct os_range range, enum os_mode mode, struct os_lock *found)
{
	struct flock lock = ipclock__os_range_request(range, mode);
	int r = file->whole ? ENOTSUP : ask(file, F_OFD_GETLK, &lock);

	if (r)
		return r;
	found->mode = lock.l_type == F_WRLCK ? OS_EXCLUSIVE : lock.l_type == F_RDLCK ? OS_SHARED : OS_UNLOCKED;
	found->range.start = lock.l_start;
	found->range.len = lock.l_len;
	return 0;
}

bool
ipclock__os_range_inherits(void)
{
	return true;
}

int
ipclock__os_range_at_fork(void)
{
	return 0;
}

int
ipclock__os_range_check(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	(void)file, (void)range, (void)mode;
	return 0;
}

int
ipclock__os_range_opened(const struct os_file *file)
{
	(void)file;
	return 0;
}

int
ipclock__os_range_reopen(const char *path, unsigned access)
{
	(void)path, (void)access;
	return -1;
}

void
ipclock__os_range_closed(struct os_file *file, bool ours)
{
	if (ours)
		close(file->fd); /* never again on EINTR: it is closed */
	file->fd = -1;
}
