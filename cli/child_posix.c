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
#include "system.h"

/*
 * With -o the lock is ours, and must outlive the command: what would end us is
 * passed on, and ends us when it has ended the command.
 */
static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
#define N_PASSED_ON (sizeof(passed_on) / sizeof(*passed_on))

static volatile pid_t child;

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

/* A key on the terminal reaches the command by itself; kill(1) reaches only us. */
static void
pass_on(int sig, siginfo_t *info, void *context)
{
	int error = errno;

	(void)context;
	if (info->si_code == SI_USER || info->si_code == SI_QUEUE)
		kill(child, sig);
	errno = error;
}

static void
woken(int sig)
{
	(void)sig; /* ppoll(2) has heard it */
}

/* What comes from here on is kept for await(). */
static void
block(sigset_t *before)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (i = 0; i < N_PASSED_ON; i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

static void
catch_signals(void)
{
	struct sigaction action = { .sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction before;
	size_t i;

	sigemptyset(&action.sa_mask);
	for (i = 0; i < N_PASSED_ON; i++)
		if (sigaction(passed_on[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(passed_on[i], &action, NULL);
}

/* The child stays unreaped, so that its pid is no other's while we may signal it. */
static bool
has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) != 0 ? errno != EINTR : info.si_pid != 0;
}

/* Signals come in ppoll(2) and nowhere else, so none is slept through. */
static void
await(const sigset_t *mask, int every_ms, int (*touch)(void *ctx), void *ctx)
{
	int64_t us, next_us = now_us() + (int64_t)every_ms * 1000;
	struct timespec timeout;
	int sig;

	while (!has_ended(child)) {
		us = next_us - now_us();
		if (every_ms != 0 && us <= 0) {
			next_us = now_us() + (int64_t)every_ms * 1000;
			sig = touch(ctx);
			if (sig != 0)
				kill(child, sig);
			continue;
		}
		timeout = (struct timespec){ .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
		ppoll(NULL, 0, every_ms != 0 ? &timeout : NULL, mask);
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

int
child_run(char **command, int every_ms, int (*touch)(void *ctx), void *ctx)
{
	struct sigaction wake = { .sa_handler = woken }, sigchld; /* where it is ignored there is nothing to wait for */
	sigset_t mask;

	sigemptyset(&wake.sa_mask);
	block(&mask);
	sigaction(SIGCHLD, &wake, &sigchld);
	child = fork();
	if (child == 0) {
		sigaction(SIGCHLD, &sigchld, NULL);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		_exit(execute(command));
	}
	if (child < 0) {
		complain("cannot fork: %s", strerror(errno));
		return STATUS_SYSTEM;
	}
	catch_signals();
	sigdelset(&mask, SIGCHLD);
	await(&mask, every_ms, touch, ctx);
	return reap(child);
}
