/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Files that come and go, by POSIX calls. */

#include <config.h>

#include <sys/stat.h>
#include <sys/types.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "os_soft.h"

/* An NFS client sends what was written when a descriptor is closed: any one of the file. */
static int
send_to_server(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return copy < 0 || close(copy) < 0 ? errno : 0;
}

int
ipclock__os_soft_write(const struct os_file *file, const char *text, size_t length)
{
	size_t done = 0;
	ssize_t n;

	while (done < length) {
		n = pwrite(file->fd, text + done, length - done, (off_t)done);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			done += (size_t)n;
	}
	return send_to_server(file->fd);
}

int
ipclock__os_soft_read(const struct os_file *file, char *text, size_t size, size_t *length)
{
	ssize_t n;

	for (*length = 0; *length < size; *length += (size_t)n) {
		do
			n = pread(file->fd, text + *length, size - *length, (off_t)*length);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return errno;
		if (n == 0)
			break;
	}
	return 0;
}

int
ipclock__os_soft_status(const struct os_file *file, int64_t *changed, unsigned long *names)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return errno;
	*changed = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	*names = (unsigned long)st.st_nlink;
	return 0;
}

/* Now by the server's clock, where there is a server. */
int
ipclock__os_soft_touch(const struct os_file *file)
{
	return futimens(file->fd, NULL) < 0 ? errno : 0;
}

static const struct os_range whole = { 0, 0 };

int
ipclock__os_soft_guard(const struct os_file *file)
{
	return ipclock__os_range_try(file, whole, OS_EXCLUSIVE);
}

void
ipclock__os_soft_unguard(const struct os_file *file)
{
	ipclock__os_range_unlock(file, whole);
}

int
ipclock__os_soft_remove(const char *path)
{
	return unlink(path) < 0 ? errno : 0;
}

void
ipclock__os_soft_list(const char *directory, bool (*each)(void *ctx, const char *name), void *ctx)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (dir == NULL)
		return;
	do
		entry = readdir(dir);
	while (entry != NULL && each(ctx, entry->d_name));
	closedir(dir);
}

/* In a chroot there may be no /dev: the clock and the pid will do, since it is no secret. */
uint64_t
ipclock__os_soft_token(void)
{
	static _Atomic uint64_t count;
	uint64_t token = 0, nth = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct timespec now;

	if (fd >= 0) {
		if (read(fd, &token, sizeof(token)) != sizeof(token))
			token = 0;
		close(fd);
	}
	if (token == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		token = ((uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec) ^ (uint64_t)getpid() << 40;
	}
	return token ^ nth;
}
