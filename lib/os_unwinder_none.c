/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A C library that cancels threads without help. */
#include <config.h>

#include "os_posix.h"

bool
ipclock__os_can_cancel(void)
{
	return true;
}
