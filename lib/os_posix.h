/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the POSIX files behind os.h ask of each other. */
#ifndef IPCLOCK_OS_POSIX_H
#define IPCLOCK_OS_POSIX_H

#include <stdint.h>
#include <time.h>

struct timespec ipclock__os_timespec(int64_t when);

/* Each file's own care for the child of a fork, before the library's. */
int ipclock__os_event_at_fork(void);
int ipclock__os_range_at_fork(void);

#endif
