/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * libipclock: interprocess locks.
 *
 * What holds for every call, so that the headers below need not repeat it:
 *
 * - It returns 0 or a positive errno value and leaves errno as it was.
 * - Durations are milliseconds on the monotonic clock, as in poll(2).
 * - A NULL where an object is wanted is EINVAL, never a crash; of a call that
 *   returns no error number 0, -1 or NULL.
 * - A call that makes an object and fails stores NULL in its place.
 * - It is no cancellation point, and it is not async-signal-safe. A signal
 *   handler may try (timeout 0) and release a handle that nobody else uses.
 * - ipclock_message() tells in a sentence what failed.
 *
 * ipclock(7) is the manual's entry.
 */
#ifndef IPCLOCK_H
#define IPCLOCK_H

#include <ipclock/attr.h>
#include <ipclock/holders.h>
#include <ipclock/pidfile.h>
#include <ipclock/locked.h>
#include <ipclock/probe.h>
#include <ipclock/process_lock.h>
#include <ipclock/replace.h>
#include <ipclock/rw_lock.h>
#include <ipclock/soft_lock.h>
#include <ipclock/semaphore.h>
#include <ipclock/version.h>

#endif
