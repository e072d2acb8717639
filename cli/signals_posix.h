/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What child_posix.c asks of signals_posix.c beyond signals.h. */
#ifndef IPCLOCK_CLI_SIGNALS_POSIX_H
#define IPCLOCK_CLI_SIGNALS_POSIX_H

#include <signal.h>
#include <stdbool.h>

/* In a child: as it was before the first catch. */
void signals_release_all(void);

/* The mask of before. */
void signals_mask(sigset_t *mask);

/* Between catch and release: the next one that was caught, or 0.  Was it for us alone?  Stops are suffered, not told. */
int signals_next(bool *alone);

#endif
