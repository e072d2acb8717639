/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The other end of tests/agent: starts one, tells it what to do, hears what
 * came of it.  A wait for an answer has a bound of 20 s, which fails the test.
 * The program is $AGENT, or ./tests/agent.
 */
#ifndef TESTS_AGENT_CLIENT_H
#define TESTS_AGENT_CLIENT_H

#include <sys/types.h>

struct agent {
	pid_t pid;
	int process; /* where the system wants more than a pid */
	int in, out, log;
	char told[1024]; /* the last command */
	char text[1024]; /* the words of the last answer */
	char heard[1024]; /* the last line of the log that was waited for */
};

void agent_spawn(struct agent *a);

/* Tells it and waits for the answer: its number. */
long agent_do(struct agent *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tells it; the answer is for later. */
void agent_send(struct agent *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
long agent_answer(struct agent *a);

/* Whether an answer is there already. */
int agent_answered(struct agent *a);

/* Waits until its log callback heard a line of this level. */
void agent_await_log(struct agent *a, int level);

/* kill(2) and, for SIGKILL, wait until it is gone. */
void agent_kill(struct agent *a, int sig);

/* Waits until SIGSTOP has worked. */
void agent_stop(struct agent *a);

/* Lets it exit, if it has not. */
void agent_end(struct agent *a);

#endif
