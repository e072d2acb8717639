/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Running the command. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "cli.h"
#include "signals.h"
#include "signals_posix.h"
#include "system.h"

/* The shell that flock(1) would run. */
char **
child_shell(char *string)
{
	static char sh[] = "/bin/sh", dash_c[] = "-c", *command[4];
	char *path = getenv("SHELL");

	command[0] = path != NULL && *path != '\0' ? path : sh;
	command[1] = dash_c;
	command[2] = string;
	return command;
}

/* Where locks belong to a process, it loses them all with any descriptor of the file: each is to stay. */
static void
inherit(int last)
{
	struct stat held, other;
	int fd;

	if (fstat(last, &held) != 0)
		return;
	for (fd = last; fd >= 0; fd--)
		if (fstat(fd, &other) == 0 && other.st_dev == held.st_dev && other.st_ino == held.st_ino)
			fcntl(fd, F_SETFD, 0);
}

static int
execute(char **command)
{
	int error;

	execvp(command[0], command);
	error = errno;
	complain("cannot execute %s: %s", command[0], strerror(error));
	return error == ENOMEM ? STATUS_SYSTEM : STATUS_EXEC;
}

int
child_exec(char **command, int fd)
{
	inherit(fd);
	return execute(command);
}

static void
woken(int sig)
{
	(void)sig; /* ppoll(2) has heard it */
}

/* The child stays unreaped, so that its pid is no other's while we may signal it. */
static bool
has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) != 0 ? errno != EINTR : info.si_pid != 0;
}

static void
pass_on(pid_t child)
{
	bool alone;
	int sig;

	while ((sig = signals_next(&alone)) != 0)
		if (alone)
			kill(child, sig);
}

/* Signals come in ppoll(2) and nowhere else, so none is slept through. */
static void
await(pid_t child, const sigset_t *mask, const struct care *care)
{
	int64_t us, every_us = (int64_t)care->every_ms * 1000, next_us = now_us() + every_us;
	struct timespec timeout;
	struct pollfd p = { .events = POLLIN };
	int sig;

	while (!has_ended(child)) {
		pass_on(child);
		us = next_us - now_us();
		if (every_us != 0 && us <= 0) {
			next_us = now_us() + every_us;
			sig = care->touch(care->ctx);
			if (sig != 0)
				kill(child, sig);
			continue;
		}
		timeout = (struct timespec){ .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
		p.fd = care->watch != NULL ? care->watch(care->ctx) : -1;
		if (ppoll(&p, 1, every_us != 0 ? &timeout : NULL, mask) > 0)
			next_us = 0;
	}
}

static int
reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid) {
		complain("cannot wait for the command: %s", strerror(errno));
		return STATUS_SYSTEM;
	}
	return WIFSIGNALED(status) ? STATUS_SIGNAL(WTERMSIG(status)) : WEXITSTATUS(status);
}

/*
 * The lock is ours, and must outlive the command: what would end us is passed on,
 * and ends us when it has ended the command.
 */
int
child_run(char **command, const struct care *care)
{
	struct sigaction wake = { .sa_handler = woken }, sigchld; /* where it is ignored there is nothing to wait for */
	sigset_t set, mask;
	pid_t child;

	signals_catch();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&wake.sa_mask);
	sigaction(SIGCHLD, &wake, &sigchld);
	child = fork();
	if (child == 0) {
		sigaction(SIGCHLD, &sigchld, NULL);
		signals_release_all();
		_exit(execute(command));
	}
	if (child < 0) {
		complain("cannot fork: %s", strerror(errno));
		return STATUS_SYSTEM;
	}
	signals_mask(&mask);
	sigdelset(&mask, SIGCHLD);
	await(child, &mask, care);
	return reap(child);
}
