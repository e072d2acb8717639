/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A sanitizer has an allocator of its own. */
#include "allocations.h"

long
allocations(void)
{
	return -1;
}

void
allocations_fail(long nth)
{
	(void)nth;
}
