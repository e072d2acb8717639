/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * One request for a byte range by LockFileEx().  The event must not be in use
 * by another request, and be one that is reset by hand.
 */
#ifndef IPCLOCK_OS_OVERLAPPED_WIN32_H
#define IPCLOCK_OS_OVERLAPPED_WIN32_H

#include "os_win32.h"

int ipclock__os_overlapped_try(HANDLE file, HANDLE event, struct os_range range, enum os_mode mode);

/* EDEADLK: this system puts such requests off for ever, ask again later. */
int ipclock__os_overlapped_wait(HANDLE file, HANDLE event, struct os_range range, enum os_mode mode, int64_t until);

/* Has no wait shown that it does? */
bool ipclock__os_overlapped_ends(void);

/* The range must be the one that was locked. */
int ipclock__os_overlapped_unlock(HANDLE file, struct os_range range);

#endif
