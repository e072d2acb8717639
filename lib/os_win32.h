/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What the Windows files behind os.h ask of each other.  A descriptor is the
 * value of a HANDLE, of which the system uses 32 bits alone.
 */
#ifndef IPCLOCK_OS_WIN32_H
#define IPCLOCK_OS_WIN32_H

#include <windows.h>

#include <stdint.h>

#include "os.h"

static inline HANDLE
ipclock__os_handle(int fd)
{
	return (HANDLE)(intptr_t)fd;
}

static inline int
ipclock__os_descriptor(HANDLE handle)
{
	return (int)(intptr_t)handle;
}

/* The errno value that stands for an error of Windows; 0 for success. */
int ipclock__os_error(DWORD error);

/*
 * The path in UTF-16, absolute, with backslashes and a prefix that lets it be
 * long; to be freed.  EINVAL: not UTF-8, a device, or a stream of a file.
 */
int ipclock__os_wide(const char *path, wchar_t **wide);

/* Back: UTF-8, with slashes, without that prefix; to be freed. */
int ipclock__os_narrow(const wchar_t *wide, char **path);

/* What tells the file apart, and its attributes.  Not of a pipe or a device: attributes FILE_ATTRIBUTE_DEVICE. */
int ipclock__os_examine(HANDLE handle, struct os_id *id, DWORD *attributes);

/* Milliseconds until then, rounded up, for a wait that may end too early: ask again.  INFINITE for OS_NEVER. */
DWORD ipclock__os_ms_until(int64_t when);

/*
 * What the range locks must know of a file that was opened, and how it is
 * closed; a caller's handle is not.
 */
int ipclock__os_range_opened(const struct os_file *file, bool ours);
void ipclock__os_range_closed(struct os_file *file);

#endif
