/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * FROZEN.  The byte map of a lock file, the same on every system, beyond any
 * data.  Two programs that disagree about a number here do not exclude each
 * other.  No byte is ever written: only locked.
 *
 * Slot n, 0 <= n <= LAYOUT_LAST_SLOT:
 *
 *	lock	512 bytes from 0x40000000 + 512 n
 *		exclusive: bytes 0..511 at once; shared: bytes 2..511.
 *		Slot 0 is SQLite's PENDING (0), RESERVED (1) and SHARED (2..511).
 *	line	2^40 bytes from 2^62 + 2^40 n
 *		one byte a waiter, locked exclusively by it: its number.
 *		Even: it waits to write; odd: to read.
 */
#ifndef IPCLOCK_LAYOUT_H
#define IPCLOCK_LAYOUT_H

#include <stdint.h>

#define LAYOUT_LAST_SLOT    UINT32_C(2097151)
#define LAYOUT_LOCK_BASE    INT64_C(0x40000000)
#define LAYOUT_LOCK_LEN     INT64_C(512)
#define LAYOUT_SHARED_SKIP  2
#define LAYOUT_LINE_BASE    (INT64_C(1) << 62)
#define LAYOUT_LINE_LEN     (INT64_C(1) << 40)

#endif
