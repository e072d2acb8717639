/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the pid file asks of an operating system beyond os.h. */
#ifndef IPCLOCK_OS_PIDFILE_H
#define IPCLOCK_OS_PIDFILE_H

#include <stddef.h>

#include "os.h"

/* The first bytes of the file, less than size, as a string; "" if it cannot be read. */
void ipclock__os_pidfile_read(const struct os_file *file, char *text, size_t size);

/* Puts text in place of what is there: whoever reads meanwhile sees nothing, or all of it. */
int ipclock__os_pidfile_write(const struct os_file *file, const char *text);

/*
 * Removes the name.  Where no file can be removed that is open, it is closed
 * first: fd is -1 then, whatever comes of it.
 */
int ipclock__os_pidfile_remove(struct os_file *file, const char *path);

#endif
