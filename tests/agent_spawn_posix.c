/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_client.h"
#include "agent_spawn.h"
#include "support.h"

static char program[PATH_MAX];

/* Before any test changes the directory. */
__attribute__((constructor)) static void
find_program(void)
{
	const char *name = getenv("AGENT");

	if (realpath(name != NULL ? name : "./tests/agent", program) == NULL)
		program[0] = '\0';
}

/* High numbers, that the child's dup2 does not meet. */
static void
make_pipe(int ends[2])
{
	int low[2];
	int i;

	ck_assert_int_eq(pipe(low), 0);
	for (i = 0; i < 2; i++) {
		ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 20);
		ck_assert_int_ge(ends[i], 0);
		close(low[i]);
	}
}

void
agent_spawn(struct agent *a)
{
	int in[2], out[2], log[2];

	ck_assert_msg(program[0] != '\0', "no agent: say AGENT=PATH");
	make_pipe(in);
	make_pipe(out);
	make_pipe(log);
	a->told[0] = '\0';
	a->pid = fork();
	ck_assert_int_ge(a->pid, 0);
	if (a->pid == 0) {
		if (dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1 && dup2(log[1], 3) == 3)
			execl(program, program, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(log[1]);
	a->in = in[1];
	a->out = out[0];
	a->log = log[0];
}

int
agent_write(int fd, const char *text, int n)
{
	return (int)write(fd, text, (size_t)n);
}

int
agent_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long end = now_ms() + ms;
	int n;

	while ((n = poll(&p, 1, ms)) < 0 && errno == EINTR)
		ms = end > now_ms() ? (int)(end - now_ms()) : 0;
	return n == 1;
}

int
agent_read(int fd, char *byte)
{
	return (int)read(fd, byte, 1);
}

void
agent_kill(struct agent *a, int sig)
{
	ck_assert_int_eq(kill(a->pid, sig), 0);
	if (sig == SIGKILL)
		agent_end(a);
}

void
agent_stop(struct agent *a)
{
	int status;

	agent_kill(a, SIGSTOP);
	ck_assert_int_eq(waitpid(a->pid, &status, WUNTRACED), a->pid);
	ck_assert(WIFSTOPPED(status));
}

void
agent_end(struct agent *a)
{
	close(a->in);
	close(a->out);
	close(a->log);
	while (waitpid(a->pid, NULL, 0) == -1 && errno == EINTR)
		;
	a->pid = 0;
}
