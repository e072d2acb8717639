/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Where the unwinder of glibc, which cancels threads, asks the loader for what
 * is loaded: its lock may have been another thread's at a fork, and is then
 * nobody's in the child.  So the child of a process with threads cancels none,
 * and its timed waits poll.
 */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unwind.h>

#include "os_posix.h"

extern char __libc_single_threaded __attribute__((weak)); /* from 2.32 on; once false, it stays so */

/* As in os_unwinder.c. */
static _Unwind_Reason_Code (*const volatile unwinder)(_Unwind_Trace_Fn, void *) = _Unwind_Backtrace;

static atomic_bool threads_at_fork;
static bool lock_may_be_lost;

static void
prepare(void)
{
	if (&__libc_single_threaded == NULL || !__libc_single_threaded)
		threads_at_fork = true;
}

static void
child(void)
{
	lock_may_be_lost = threads_at_fork;
}

__attribute__((constructor)) static void
register_handlers(void)
{
	lock_may_be_lost = pthread_atfork(prepare, NULL, child) != 0;
}

bool
ipclock__os_can_cancel(void)
{
	return unwinder != NULL && !lock_may_be_lost;
}
