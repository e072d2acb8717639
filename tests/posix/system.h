/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the tests want of a system beyond the headers that they name: ../win32/system.h has more to do. */
#ifndef TESTS_SYSTEM_H
#define TESTS_SYSTEM_H

#include <pthread.h>

#endif
