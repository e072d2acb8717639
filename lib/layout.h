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
 *
 * Semaphore n, 0 <= n <= LAYOUT_LAST_SEMAPHORE:
 *
 *	unit	the byte 2^61 + 2^32 n + i, exclusive: unit i is taken.
 *	line	2^40 bytes from 2^62 + 2^61 + 2^41 n, as a lock's.
 *	gate	the byte behind the line, exclusive: the head of the line, who
 *		alone looks for a unit while there is one.
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

#define LAYOUT_LAST_SEMAPHORE UINT32_C(1048575)
#define LAYOUT_UNIT_BASE      (INT64_C(1) << 61)
#define LAYOUT_UNIT_SPACING   (INT64_C(1) << 32)
#define LAYOUT_GATE_BASE      (INT64_C(3) << 61)
#define LAYOUT_GATE_SPACING   (INT64_C(1) << 41)

#endif
