/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Contents, names and ends of files, for the objects beside the lock. */
#ifndef IPCLOCK_OS_IO_WIN32_H
#define IPCLOCK_OS_IO_WIN32_H

#include <stddef.h>
#include <stdint.h>

#include "os_win32.h"

/* Everybody may read, write, rename and remove it. */
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* A byte that no data reaches and the byte map has no use for: locked, it marks a file as somebody's. */
#define MARK_BYTE (INT64_MAX - 1)

/* All of it, from the beginning; and as much as there is room for. */
int ipclock__os_io_write(const struct os_file *file, const char *text, size_t length);
int ipclock__os_io_read(const struct os_file *file, char *text, size_t size, size_t *length);

/* No bytes are left. */
int ipclock__os_io_empty(const struct os_file *file);

/* One try for that byte: EBUSY, ENOTSUP. */
int ipclock__os_io_mark(const struct os_file *file);
void ipclock__os_io_unmark(const struct os_file *file);

/* Of a whole path; read-only files, too.  EBUSY: another has it open, and does not share that. */
int ipclock__os_io_remove(const wchar_t *path);
int ipclock__os_io_move(const wchar_t *from, const wchar_t *to, DWORD how);

#endif
