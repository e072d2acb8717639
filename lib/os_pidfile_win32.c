/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The pid file by Windows calls. */

#include <config.h>

#include <string.h>

#include "os_io_win32.h"
#include "os_pidfile.h"

void
ipclock__os_pidfile_read(const struct os_file *file, char *text, size_t size)
{
	size_t length = 0;

	text[ipclock__os_io_read(file, text, size - 1, &length) ? 0 : length] = '\0';
}

int
ipclock__os_pidfile_write(const struct os_file *file, const char *text)
{
	int r = ipclock__os_io_empty(file);

	if (r == 0 && *text)
		r = ipclock__os_io_write(file, text, strlen(text));
	if (r)
		ipclock__os_io_empty(file);
	return r;
}

/*
 * Who has a lock file open lets nobody remove it: so it is closed first, and its
 * lock goes.  If another instance has come then, it has the file open, and it
 * stays.
 */
int
ipclock__os_pidfile_remove(struct os_file *file, const char *path)
{
	wchar_t *wide;
	int r = ipclock__os_wide(path, &wide);

	if (r)
		return r;
	ipclock__os_io_empty(file);
	ipclock__os_process_lock();
	ipclock__os_close(file);
	ipclock__os_process_unlock();
	r = ipclock__os_io_remove(wide);
	ipclock__os_free(wide);
	return r;
}
