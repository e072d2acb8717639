/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waits in the kernel's queue on macOS, which has a call with a deadline.  The
 * kernel counts the time anew on each turn of its own loop, so the caller asks
 * again for what is left.  Locks of this kind are for local file systems only.
 */
#include <config.h>

#include <sys/mount.h>
#include <sys/param.h>

#include <errno.h>
#include <fcntl.h>

#include "os.h"
#include "os_posix.h"
#include "os_range_ofd.h"

int
ipclock__os_range_wait(const struct os_file *file, struct os_range range, enum os_mode mode, int64_t until)
{
	struct flocktimeout lock = { .fl = ipclock__os_range_request(range, mode) };
	int64_t left;
	int r;

	if (file->whole)
		return ENOTSUP; /* no deadline for these: has_queue says so */

	if (until == OS_NEVER)
		return fcntl(file->fd, F_OFD_SETLKW, &lock.fl) < 0 ? ipclock__os_range_error(errno) : 0;
	for (;;) {
		left = until - ipclock__os_now();
		if (left <= 0)
			return ETIMEDOUT;
		lock.timeout = ipclock__os_timespec(left);
		r = fcntl(file->fd, F_OFD_SETLKWTIMEOUT, &lock) < 0 ? errno : 0;
		if (r != ETIMEDOUT)
			return ipclock__os_range_error(r);
	}
}

bool
ipclock__os_range_wait_ends(void)
{
	return true;
}

int
ipclock__os_range_wait_stoppable(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	return ipclock__os_range_wait(file, range, mode, OS_NEVER);
}

bool
ipclock__os_range_has_queue(const struct os_file *file)
{
	struct statfs fs;

	return !file->whole && fstatfs(file->fd, &fs) == 0 && (fs.f_flags & MNT_LOCAL) != 0;
}
