/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waits in the kernel's queue on Linux, which has no deadline for them: a wait
 * that must end is made by a thread that can be cancelled.
 */
#include <config.h>

#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "os.h"
#include "os_posix.h"
#include "os_range_ofd.h"

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

/* Linux knows no deadline here. */
int
ipclock__os_range_wait(const struct os_file *file, struct os_range range, enum os_mode mode, int64_t until)
{
	struct flock lock = ipclock__os_range_request(range, mode);

	(void)until;
	if (file->whole)
		return ipclock__os_flock_wait(file, mode);
	return fcntl(file->fd, F_OFD_SETLKW, &lock) < 0 ? ipclock__os_range_error(errno) : 0;
}

bool
ipclock__os_range_wait_ends(void)
{
	return false;
}

/*
 * Cancellation is let in for the system call alone, and at once: F_OFD_SETLKW is
 * no cancellation point of musl's.  Nothing of C's is touched meanwhile, so
 * there is nothing that could be left half done.
 */
int
ipclock__os_range_wait_stoppable(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	struct flock lock = ipclock__os_range_request(range, mode);
	int fd = file->fd, operation = mode == OS_EXCLUSIVE ? LOCK_EX : LOCK_SH, before, error;
	bool whole = file->whole;
	long r;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before); /* and ends here if it was cancelled already */
	if (whole)
		r = syscall(SYS_flock, fd, operation);
	else
		r = syscall(FCNTL, fd, F_OFD_SETLKW, &lock);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	error = r < 0 ? errno : 0;
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
	return whole ? ipclock__os_flock_error(error) : ipclock__os_range_error(error);
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
