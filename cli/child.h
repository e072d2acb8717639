/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Running the command. */
#ifndef IPCLOCK_CLI_CHILD_H
#define IPCLOCK_CLI_CHILD_H

#include <stdbool.h>

/* The command that runs a string by the shell.  There is one at a time. */
char **child_shell(char *string);

/* What is looked after while the command runs. */
struct care {
	int every_ms;             /* 0: nothing is */
	int (*touch)(void *ctx);  /* that often; what is not 0 is a signal for the command, or simply its end */
	int (*watch)(void *ctx);  /* a descriptor: when it is readable it is time to touch; -1, or NULL: none */
	void *ctx;
};

/* Runs the command and waits for it; returns the status to exit with. */
int child_run(char **command, const struct care *care);

/* Becomes the command, which has the descriptor, or where no process can, runs it; a status. */
int child_exec(char **command, int fd);

#endif
