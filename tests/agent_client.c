/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent_client.h"
#include "agent_spawn.h"
#include "support.h"

static void
say(struct agent *a, const char *format, va_list args)
{
	int n = vsnprintf(a->told, sizeof(a->told) - 1, format, args);

	a->told[n++] = '\n';
	ck_assert_int_eq(agent_write(a->in, a->told, n), n);
	a->told[n - 1] = '\0';
}

/* By single bytes: what comes after this line is for the next call. */
static void
read_line(int fd, char *line, size_t size, const char *what, const char *told)
{
	size_t n = 0;

	for (;;) {
		ck_assert_msg(agent_readable(fd, LONG_MS), "no %s from the agent to %s", what, told);
		ck_assert_msg(agent_read(fd, &line[n]) == 1, "the agent is gone: no %s to %s", what, told);
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
	say(a, format, args);
	va_end(args);
}

long
agent_do(struct agent *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, format, args);
	va_end(args);
	return agent_answer(a);
}

int
agent_answered(struct agent *a)
{
	return agent_readable(a->out, 0);
}

void
agent_await_log(struct agent *a, int level)
{
	do
		read_line(a->log, a->heard, sizeof(a->heard), "line of the log", a->told);
	while (atoi(a->heard) != level);
}
