/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Byte ranges on Linux by open file description locks (3.15, POSIX.1-2024): owned
 * by the description, so that threads, and opens and closes elsewhere in the
 * process, do not disturb each other.
 */

#include <config.h>

#include <sys/syscall.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "os.h"
#include "os_posix.h"

/* Where off_t was once smaller, the call for the larger one has a name of its own. */
#ifdef SYS_fcntl64
#define FCNTL SYS_fcntl64
#else
#define FCNTL SYS_fcntl
#endif

/*
 * File systems whose server or daemon answers for the kernel: a wait there polls
 * slowly (NFS 4.0: 1 to 30 s), ends when the daemon says so (FUSE), or cannot be
 * broken off.  From linux/magic.h, which has not all of them.
 */
static const struct {
	const char *name;
	unsigned long magic;
} without_queue[] = {
	{ "nfs", 0x6969 },
	{ "cifs", 0xFF534D42 },
	{ "smb2", 0xFE534D42 },
	{ "smbfs", 0x517B },
	{ "fuse", 0x65735546 },
	{ "9p", 0x01021997 },
	{ "afs", 0x5346414F },
	{ "afs (OpenAFS)", 0x6B414653 },
	{ "ceph", 0x00C36400 },
	{ "coda", 0x73757245 },
	{ "gfs2", 0x01161970 },
	{ "gpfs", 0x47504653 },
	{ "lustre", 0x0BD00BD0 },
	{ "ncpfs", 0x564C },
	{ "ocfs2", 0x7461636F },
	{ "orangefs", 0x20030528 },
	{ "vboxsf", 0x786F4256 },
};

static struct flock
request(struct os_range range, enum os_mode mode)
{
	return (struct flock){
		.l_type = mode == OS_EXCLUSIVE ? F_WRLCK : mode == OS_SHARED ? F_RDLCK : F_UNLCK,
		.l_whence = SEEK_SET,
		.l_start = range.start,
		.l_len = range.len,
	};
}

/*
 * EAGAIN alone is "busy": EACCES comes from a security module.  Kernels without
 * these locks say EINVAL, and file systems without such offsets too.
 */
static int
meaning(int error)
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

int
ipclock__os_range_try(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	struct flock lock = request(range, mode);
	int r;

	do /* a network file system may be interrupted here too */
		r = fcntl(file->fd, F_OFD_SETLK, &lock) < 0 ? errno : 0;
	while (r == EINTR);
	return meaning(r);
}

int
ipclock__os_range_wait(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	struct flock lock = request(range, mode);

	return fcntl(file->fd, F_OFD_SETLKW, &lock) < 0 ? meaning(errno) : 0;
}

/*
 * Cancellation is let in for the system call alone, and at once: F_OFD_SETLKW is
 * no cancellation point of musl's.  Nothing of C's is touched meanwhile, so
 * there is nothing that could be left half done.
 */
int
ipclock__os_range_wait_stoppable(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	struct flock lock = request(range, mode);
	int fd = file->fd, before, error;
	long r;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before); /* and ends here if it was cancelled already */
	r = syscall(FCNTL, fd, F_OFD_SETLKW, &lock);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	error = r < 0 ? errno : 0;
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
	return meaning(error);
}

int
ipclock__os_range_unlock(const struct os_file *file, struct os_range range)
{
	struct flock lock = request(range, OS_UNLOCKED);

	return fcntl(file->fd, F_OFD_SETLK, &lock) < 0 ? meaning(errno) : 0;
}

int
ipclock__os_range_query(const struct os_file *file, struct os_range range, enum os_mode mode, struct os_lock *found)
{
	struct flock lock = request(range, mode);

	if (fcntl(file->fd, F_OFD_GETLK, &lock) < 0)
		return meaning(errno);
	found->mode = lock.l_type == F_WRLCK ? OS_EXCLUSIVE : lock.l_type == F_RDLCK ? OS_SHARED : OS_UNLOCKED;
	found->range.start = lock.l_start;
	found->range.len = lock.l_len;
	return 0;
}

bool
ipclock__os_range_has_queue(const struct os_file *file)
{
	struct statfs fs;
	size_t i;

	if (fstatfs(file->fd, &fs) < 0)
		return false;
	for (i = 0; i < sizeof(without_queue) / sizeof(without_queue[0]); i++)
		if (((unsigned long)fs.f_type & 0xFFFFFFFF) == without_queue[i].magic)
			return false;
	return true;
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

void
ipclock__os_close(struct os_file *file)
{
	close(file->fd); /* never again on EINTR: it is closed */
	file->fd = -1;
}
