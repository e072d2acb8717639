/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "support_os.h"

void
support_make_directory(char *path)
{
	const char *base = getenv("TMPDIR");

	snprintf(path, SUPPORT_DIRECTORY, "%s/ipclock-test.XXXXXX", base != NULL ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(path));
	/* Another user looks in as well. */
	ck_assert_int_eq(chmod(path, 0755), 0);
}

void
support_remove_directory(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", path, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static int
entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

int
fd_count(void)
{
	return entries("/proc/self/fd");
}

int
support_threads(void)
{
	return entries("/proc/self/task");
}

struct numbers {
	const char *path;
	unsigned slot;
	int kinds; /* count readers' numbers alone: 1, writers': 0, all: -1 */
};

/* The kernel tells of any lock in the range, not of the first: look on both sides of it. */
static int
count_between(int fd, int64_t from, int64_t end, int kinds)
{
	struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = end - from };
	int64_t at;
	int n = 0;

	if (from >= end || fcntl(fd, F_GETLK, &f) != 0 || f.l_type == F_UNLCK)
		return 0;
	if (f.l_start < from || f.l_len == 0)
		return 0; /* the whole file */
	/* A process's classic locks on neighbours are one lock. */
	for (at = f.l_start; at < f.l_start + f.l_len; at++)
		n += kinds < 0 || (at & 1) == kinds;
	return n + count_between(fd, from, f.l_start, kinds) + count_between(fd, at, end, kinds);
}

/* In a child: here a close would drop this process's own classic locks. */
static int
count_numbers(void *arg)
{
	const struct numbers *place = arg;
	int64_t begin = LINE_BASE + LINE_SIZE * (int64_t)place->slot;
	int fd = open(place->path, O_RDWR);

	return fd < 0 ? 0 : count_between(fd, begin, begin + LINE_SIZE, place->kinds);
}

int
numbers_of(const char *path, unsigned slot, int kinds)
{
	struct numbers place = { .path = path, .slot = slot, .kinds = kinds };

	return in_child(count_numbers, &place);
}

int
child_result(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int
in_child(int (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(arg));
	return child_result(pid);
}

pid_t
test_spawn(int (*fn)(const char *text), const char *text, const int *fds, int n)
{
	pid_t pid = fork();

	(void)fds;
	(void)n;
	if (pid == 0)
		_exit(fn(text));
	return pid;
}

void
support_spawned(void (*with_directory)(const char *path))
{
	(void)with_directory;
}

void *
test_shared(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	void *p;

	ck_assert(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert(p != MAP_FAILED);
	close(fd);
	return p;
}

int
raw_lock(int fd, int type, int64_t start, int64_t len)
{
	struct flock f = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, F_SETLK, &f) == 0 ? 0 : errno;
}
