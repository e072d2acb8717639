/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the POSIX files behind os.h ask of each other. */
#ifndef IPCLOCK_OS_POSIX_H
#define IPCLOCK_OS_POSIX_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "os.h"

struct timespec ipclock__os_timespec(int64_t when);
struct timespec ipclock__os_time_left(int64_t until);

/* What a sleep puts in the place of the thread's mask, see ipclock__os_signals_hold(); NULL: leave that alone. */
const sigset_t *ipclock__os_signals_held(void);

/* A condition variable that waits by the library's clock.  0, or ETIMEDOUT, perhaps a little early. */
void ipclock__os_condition_make(pthread_cond_t *condition);
int ipclock__os_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until);

/*
 * What the range locks must know of a file that was opened, and how it is
 * closed; a caller's descriptor is not.  A descriptor that was kept open for
 * the sake of others may be had again: -1 if there is none.
 */
int ipclock__os_range_opened(const struct os_file *file);
int ipclock__os_range_reopen(const char *path, unsigned access);
void ipclock__os_range_closed(struct os_file *file, bool ours);

/* Locks of the whole file, for a file that is whole. */
int ipclock__os_flock_try(const struct os_file *file, enum os_mode mode);
int ipclock__os_flock_wait(const struct os_file *file, enum os_mode mode);
int ipclock__os_flock_error(int error);

/* Is everything loaded that pthread_cancel(3) wants? */
bool ipclock__os_can_cancel(void);

/* Each file's own care for the child of a fork, before the library's. */
int ipclock__os_event_at_fork(void);
int ipclock__os_range_at_fork(void);

#endif
