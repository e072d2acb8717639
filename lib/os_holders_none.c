/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Who holds what, where the system has no list: fcntl(2) names one owner of a classic lock. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os.h"

int
ipclock__os_claims(const char *path, int fd, bool whole, enum os_kind *kind,
    int (*take)(void *ctx, const struct os_claim *claim), void *ctx)
{
	(void)path, (void)fd, (void)whole, (void)kind, (void)take, (void)ctx;
	return ENOTSUP;
}

long
ipclock__os_range_owner(const struct os_file *file, struct os_range range)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = range.start,
		.l_len = range.len,
	};

	if (fcntl(file->fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK || lock.l_pid < 0)
		return 0;
	return (long)lock.l_pid;
}

void
ipclock__os_command(long pid, char *name, size_t size)
{
	(void)pid, (void)size;
	*name = '\0';
}
