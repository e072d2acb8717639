/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Running the command. */
#ifndef IPCLOCK_CLI_CHILD_H
#define IPCLOCK_CLI_CHILD_H

#include <stdbool.h>

/* The command that runs a string by the shell.  There is one at a time. */
char **child_shell(char *string);

/*
 * Runs the command and waits for it; returns the status to exit with.
 * Each every_ms, if that is not 0, touch() is asked; what is not 0 is a signal for
 * the command, or simply its end.
 */
int child_run(char **command, int every_ms, int (*touch)(void *ctx), void *ctx);

/* Becomes the command, which has the descriptor, or where no process can, runs it; a status. */
int child_exec(char **command, int fd);

#endif
