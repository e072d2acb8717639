/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What stops or ends the program while it waits or writes: signals, and the
 * events of a console.
 *
 * Between catch and release, which may be nested, they come only in
 * signals_wait() and signals_read().  Those whose disposition was not the
 * default, or that were blocked before, are as they were.
 */
#ifndef IPCLOCK_CLI_SIGNALS_H
#define IPCLOCK_CLI_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void signals_catch(void);
bool signals_caught(void);
/* As it was before; what has come meanwhile, and was not raised, comes now. */
void signals_release(void);
/* Between the two: does to us what the caught signals do.  Returns after a stop. */
void signals_raise(void);
/* Called before a signal ends us; NULL: nothing is. */
extern void (*signals_undo)(void);

/* Between the two: until fd can be read (-1: never), or us are over, or a signal was caught. */
void signals_wait(int fd, int64_t us);

/*
 * Between the two: reads the standard input; *n is 0 at its end.  0, or an errno
 * value.  A signal that has come, or comes while there is nothing to read, is
 * raised.
 */
int signals_read(char *data, size_t size, size_t *n);

/* What would end us comes after the second call; not nested. */
void signals_defer(void);
void signals_undefer(void);

#endif
