/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include "calls.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child stops three times: nothing lies between the first two, what is counted between the last two. */
static void
child(void (*before)(void *ctx), void (*counted)(void *ctx), void *ctx)
{
	pid_t self = getpid();

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(1);
	before(ctx);
	kill(self, SIGSTOP);
	kill(self, SIGSTOP);
	counted(ctx);
	kill(self, SIGSTOP);
	_exit(0);
}

/* Goes on to the next stop by a signal. Returns how often a system call stopped it before, or -1 at the end. */
static long
go_on(pid_t pid)
{
	long stops = 0;
	int status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return -1;
		if (WSTOPSIG(status) == SIGSTOP)
			return stops;
		stops += WSTOPSIG(status) == (SIGTRAP | 0x80);
	}
}

long
calls_count(void (*before)(void *ctx), void (*counted)(void *ctx), void *ctx)
{
	long nothing, all;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child(before, counted, ctx);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) != 0)
		return -1;
	nothing = go_on(pid);
	all = go_on(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return nothing < 0 || all < 0 ? -1 : (all - nothing) / 2;
}
