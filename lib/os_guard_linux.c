/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* In glibc and musl neither lstat(2) nor an fcntl(2) that does not wait is a cancellation point. */

#include <config.h>

#include <errno.h>

#include "os.h"

void
ipclock__os_enter_briefly(struct os_guard *guard)
{
	guard->error = errno;
}

void
ipclock__os_leave_briefly(const struct os_guard *guard)
{
	errno = guard->error;
}
