/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The pid file by POSIX calls. */

#include <config.h>

#include <sys/types.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os_pidfile.h"

void
ipclock__os_pidfile_read(const struct os_file *file, char *text, size_t size)
{
	ssize_t n;

	do
		n = pread(file->fd, text, size - 1, 0);
	while (n < 0 && errno == EINTR);
	text[n < 0 ? 0 : n] = '\0';
}

static int
truncate_to_nothing(int fd)
{
	int r;

	do
		r = ftruncate(fd, 0) < 0 ? errno : 0;
	while (r == EINTR);
	return r;
}

/* One write: a short one, of so few bytes, is no success, and what it left goes. */
int
ipclock__os_pidfile_write(const struct os_file *file, const char *text)
{
	size_t length = strlen(text);
	ssize_t n;
	int r = truncate_to_nothing(file->fd);

	if (r || length == 0)
		return r;
	do
		n = pwrite(file->fd, text, length, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	if ((size_t)n == length)
		return 0;
	truncate_to_nothing(file->fd);
	return ENOSPC;
}

int
ipclock__os_pidfile_remove(struct os_file *file, const char *path)
{
	(void)file;
	return unlink(path) < 0 ? errno : 0;
}
