/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_os.h"

static char **own_argv;

void
agent_begin(int argc, char **argv)
{
	(void)argc;
	own_argv = argv;
}

void
agent_log(const char *text, int n)
{
	(void)!write(3, text, (size_t)n);
}

long
agent_pid(void)
{
	return getpid();
}

long
agent_raw(const char *path, char kind, long long start, long long len)
{
	struct flock f = {
		.l_type = kind == 'r' ? F_RDLCK : kind == 'w' ? F_WRLCK : F_UNLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)start,
		.l_len = (off_t)len,
	};
	static int fd = -1;

	/* One descriptor, never closed: a close would drop the classic locks. */
	if (fd == -1)
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	return fcntl(fd, F_SETLK, &f) == 0 ? 0 : errno;
}

long
agent_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		return getpid();
	waitpid(pid, NULL, 0);
	_exit(0);
}

long
agent_daemon(void)
{
	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
	return getpid();
}

void
agent_exec(void)
{
	execv("/proc/self/exe", own_argv);
	exit(2);
}

long
agent_pass(int fd)
{
	return fcntl(fd, F_SETFD, 0);
}
