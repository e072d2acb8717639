/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#ifndef IPCLOCK_OS_HELPER_H
#define IPCLOCK_OS_HELPER_H

/* Once, before anything waits, and with the process lock: what a helper's stack must have room for. */
void ipclock__os_helper_prepare(void);

#endif
