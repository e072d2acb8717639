/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * glibc's pthread_cancel() loads libgcc_s when first called, and ends the
 * program where it cannot, as after chroot(2): so we depend on it from the start.
 */
#include <config.h>

#include <stddef.h>
#include <unwind.h>

#include "os_posix.h"

static _Unwind_Reason_Code (*const volatile unwinder)(_Unwind_Trace_Fn, void *) = _Unwind_Backtrace;

bool
ipclock__os_can_cancel(void)
{
	return unwinder != NULL;
}
