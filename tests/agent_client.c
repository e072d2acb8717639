/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_client.h"
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

static void
tell(struct agent *a, const char *format, va_list args)
{
	int n = vsnprintf(a->told, sizeof(a->told) - 1, format, args);

	a->told[n++] = '\n';
	ck_assert_int_eq(write(a->in, a->told, (size_t)n), n);
	a->told[n - 1] = '\0';
}

/* By single bytes: what comes after this line is for the next call. */
static void
read_line(int fd, char *line, size_t size, const char *what, const char *told)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long end = now_ms() + LONG_MS;
	size_t n = 0;

	for (;;) {
		int left = (int)(end - now_ms());

		ck_assert_msg(left > 0 && (poll(&p, 1, left) > 0 || errno == EINTR), "no %s from the agent to %s", what, told);
		if (p.revents == 0)
			continue;
		ck_assert_msg(read(fd, &line[n], 1) == 1, "the agent is gone: no %s to %s", what, told);
		if (line[n] == '\n')
			break;
		if (n < size - 1)
			n++;
	}
	line[n] = '\0';
}

long
agent_answer(struct agent *a)
{
	char line[1024];
	char *end;
	long number;

	read_line(a->out, line, sizeof(line), "answer", a->told);
	number = strtol(line, &end, 10);
	snprintf(a->text, sizeof(a->text), "%s", *end == ' ' ? end + 1 : end);
	return number;
}

void
agent_send(struct agent *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(a, format, args);
	va_end(args);
}

long
agent_do(struct agent *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(a, format, args);
	va_end(args);
	return agent_answer(a);
}

int
agent_answered(struct agent *a)
{
	struct pollfd p = { .fd = a->out, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

void
agent_await_log(struct agent *a, int level)
{
	do
		read_line(a->log, a->heard, sizeof(a->heard), "line of the log", a->told);
	while (atoi(a->heard) != level);
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
