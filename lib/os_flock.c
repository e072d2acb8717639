/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Locks of the flock(2) family: of a whole file, owned by the open file description. */
#include <config.h>

#include <sys/file.h>

#include <errno.h>

#include "os.h"
#include "os_posix.h"

static int
operation_of(enum os_mode mode)
{
	return mode == OS_EXCLUSIVE ? LOCK_EX : mode == OS_SHARED ? LOCK_SH : LOCK_UN;
}

int
ipclock__os_flock_error(int error)
{
	switch (error) {
	case EWOULDBLOCK:
		return EBUSY;
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
		return ENOTSUP;
	default:
		return error;
	}
}

int
ipclock__os_flock_try(const struct os_file *file, enum os_mode mode)
{
	int r;

	do
		r = flock(file->fd, operation_of(mode) | LOCK_NB) < 0 ? errno : 0;
	while (r == EINTR);
	return ipclock__os_flock_error(r);
}

int
ipclock__os_flock_wait(const struct os_file *file, enum os_mode mode)
{
	return flock(file->fd, operation_of(mode)) < 0 ? ipclock__os_flock_error(errno) : 0;
}
