/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

/*
 * How many system calls the second function makes in a child process of one
 * thread, where the first one ran before; -1 if that cannot be counted here.
 */
long calls_count(void (*before)(void *ctx), void (*counted)(void *ctx), void *ctx);

#endif
