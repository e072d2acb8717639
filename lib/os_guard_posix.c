/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* POSIX allows every fcntl(2) and lstat(2) to be a cancellation point. */

#include <config.h>

#include "os.h"

void
ipclock__os_enter_briefly(struct os_guard *guard)
{
	ipclock__os_enter(guard);
}

void
ipclock__os_leave_briefly(const struct os_guard *guard)
{
	ipclock__os_leave(guard);
}
