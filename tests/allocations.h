/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#ifndef TESTS_ALLOCATIONS_H
#define TESTS_ALLOCATIONS_H

/* How often anything in this process asked for memory so far; -1 if that is not counted here. */
long allocations(void);

/* The nth from now (1: the next) is refused; 0: none.  Where they are counted. */
void allocations_fail(long nth);

#endif
