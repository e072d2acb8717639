/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * No watch.  With classic fcntl(2) locks there must be none: to close a
 * description that rang would drop the process's locks.
 */
#include <errno.h>

#include "os_watch.h"

int
ipclock__os_watch_arm(struct os_watch *watch, const struct os_file *file)
{
	(void)watch, (void)file;
	return ENOTSUP;
}

int
ipclock__os_watch_wait(struct os_watch *watch, int64_t until)
{
	(void)watch, (void)until;
	return ENOTSUP;
}

void
ipclock__os_watch_close(struct os_watch *watch)
{
	(void)watch;
}

void
ipclock__os_watch_ring(const struct os_file *file)
{
	(void)file;
}
