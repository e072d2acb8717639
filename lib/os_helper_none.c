/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* No helper: where waits in the kernel cannot be broken off, they are by backoff. */

#include <config.h>

#include <errno.h>

#include "os.h"
#include "os_helper.h"

void
ipclock__os_helper_prepare(void)
{
}

int
ipclock__os_helper_start(struct os_helper *helper, void (*run)(void *), void *arg)
{
	(void)helper, (void)run, (void)arg;
	return ENOTSUP;
}

void
ipclock__os_helper_stop(struct os_helper *helper, bool at_its_end)
{
	(void)helper, (void)at_its_end;
}

void
ipclock__os_helper_rest(int64_t until)
{
	(void)until;
}
