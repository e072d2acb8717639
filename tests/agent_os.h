/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the agent does by its system's own means: agent_posix.c or agent_win32.c.  An answer is a number. */
#ifndef TESTS_AGENT_OS_H
#define TESTS_AGENT_OS_H

void agent_begin(int argc, char **argv);

/* Writes n bytes at once to where the log goes. */
void agent_log(const char *text, int n);

long agent_pid(void);

/* A lock on the file at path, r or w, or none, u: one try. */
long agent_raw(const char *path, char kind, long long start, long long len);

long agent_fork(void);
long agent_daemon(void);
_Noreturn void agent_exec(void);

/* The descriptor goes to programs that are executed. */
long agent_pass(int fd);

#endif
