/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What C itself has, on any system. */

#include <config.h>

#include <stdlib.h>

#include "os.h"

void *
ipclock__os_alloc(size_t size)
{
	return calloc(1, size);
}

void
ipclock__os_free(void *p)
{
	free(p);
}

uint64_t
ipclock__os_thread(void)
{
	static _Atomic uint64_t last = 1;
	static _Thread_local uint64_t serial;

	if (serial == 0)
		serial = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
	return serial;
}
