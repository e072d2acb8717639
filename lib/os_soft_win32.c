/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Files that come and go, by Windows calls. */

#define _CRT_RAND_S /* rand_s() */

#include <config.h>

#include <stdlib.h>

#include "os_io_win32.h"
#include "os_soft.h"

#define UNIX_EPOCH INT64_C(116444736000000000) /* in units of 100 ns from 1601 */

/* ---- contents ---- */

/* A file server shows all clients what was written. */
int
ipclock__os_soft_write(const struct os_file *file, const char *text, size_t length)
{
	return ipclock__os_io_write(file, text, length);
}

int
ipclock__os_soft_read(const struct os_file *file, char *text, size_t size, size_t *length)
{
	return ipclock__os_io_read(file, text, size, length);
}

int
ipclock__os_soft_status(const struct os_file *file, int64_t *changed, unsigned long *names)
{
	BY_HANDLE_FILE_INFORMATION status;
	const FILETIME *date = &status.ftLastWriteTime;

	if (!GetFileInformationByHandle(ipclock__os_handle(file->fd), &status))
		return ipclock__os_error(GetLastError());
	*changed = ((int64_t)((uint64_t)date->dwHighDateTime << 32 | date->dwLowDateTime) - UNIX_EPOCH) * 100;
	*names = status.nNumberOfLinks;
	return 0;
}

/* By our clock: there is no way to ask for the server's. */
int
ipclock__os_soft_touch(const struct os_file *file)
{
	FILETIME now;

	GetSystemTimeAsFileTime(&now);
	return SetFileTime(ipclock__os_handle(file->fd), NULL, NULL, &now) ? 0 : ipclock__os_error(GetLastError());
}

int
ipclock__os_soft_guard(const struct os_file *file)
{
	return ipclock__os_io_mark(file);
}

void
ipclock__os_soft_unguard(const struct os_file *file)
{
	ipclock__os_io_unmark(file);
}

/* ---- names ---- */

int
ipclock__os_soft_remove(const char *path)
{
	wchar_t *wide;
	int r = ipclock__os_wide(path, &wide);

	if (r)
		return r;
	r = ipclock__os_io_remove(wide);
	ipclock__os_free(wide);
	return r;
}

/* "DIRECTORY\*", of a path that ends in "/." */
static HANDLE
find_first(const char *directory, WIN32_FIND_DATAW *found)
{
	HANDLE search = INVALID_HANDLE_VALUE;
	wchar_t *wide, *all;
	size_t length;

	if (ipclock__os_wide(directory, &wide))
		return search;
	length = wcslen(wide);
	all = ipclock__os_alloc((length + 3) * sizeof(*all));
	if (all) {
		wcscpy(all, wide);
		wcscpy(all + length, length && wide[length - 1] == L'\\' ? L"*" : L"\\*");
		search = FindFirstFileW(all, found);
	}
	ipclock__os_free(all);
	ipclock__os_free(wide);
	return search;
}

void
ipclock__os_soft_list(const char *directory, bool (*each)(void *ctx, const char *name), void *ctx)
{
	WIN32_FIND_DATAW found;
	HANDLE search = find_first(directory, &found);
	bool goes_on = true;
	char *name;

	if (search == INVALID_HANDLE_VALUE)
		return;
	do
		if (ipclock__os_narrow(found.cFileName, &name) == 0) {
			goes_on = each(ctx, name);
			ipclock__os_free(name);
		}
	while (goes_on && FindNextFileW(search, &found));
	FindClose(search);
}

/* The system's random numbers; if there are none the clock and the pid will do, since it is no secret. */
uint64_t
ipclock__os_soft_token(void)
{
	static _Atomic uint64_t count;
	uint64_t nth = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
	unsigned high, low;
	FILETIME now;

	if (rand_s(&high) || rand_s(&low)) {
		GetSystemTimeAsFileTime(&now);
		high = now.dwHighDateTime ^ GetCurrentProcessId() << 8;
		low = now.dwLowDateTime;
	}
	return ((uint64_t)high << 32 | low) ^ nth;
}
