/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "os_io_win32.h"
#include "os_overlapped_win32.h"

/* ---- contents ---- */

/* Of a handle that is overlapped or not; such a one's end of file is an error. */
static DWORD
transfer(const struct os_file *file, bool writes, void *text, DWORD size, size_t offset, DWORD *done)
{
	HANDLE handle = ipclock__os_handle(file->fd);
	OVERLAPPED place = { .Offset = (DWORD)offset, .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
	DWORD error = 0;

	*done = 0;
	if (!place.hEvent)
		return GetLastError();
	if (!(writes ? WriteFile(handle, text, size, NULL, &place) : ReadFile(handle, text, size, NULL, &place)))
		error = GetLastError();
	if (error == 0 || error == ERROR_IO_PENDING)
		error = GetOverlappedResult(handle, &place, done, TRUE) ? 0 : GetLastError();
	CloseHandle(place.hEvent);
	return error;
}

int
ipclock__os_io_write(const struct os_file *file, const char *text, size_t length)
{
	size_t offset;
	DWORD done, error;

	for (offset = 0; offset < length; offset += done) {
		error = transfer(file, true, (void *)(uintptr_t)(text + offset), (DWORD)(length - offset), offset,
		    &done);
		if (error || done == 0)
			return error ? ipclock__os_error(error) : ENOSPC;
	}
	return 0;
}

int
ipclock__os_io_read(const struct os_file *file, char *text, size_t size, size_t *length)
{
	DWORD done, error;

	for (*length = 0; *length < size; *length += done) {
		error = transfer(file, false, text + *length, (DWORD)(size - *length), *length, &done);
		if (error && error != ERROR_HANDLE_EOF)
			return ipclock__os_error(error);
		if (done == 0)
			break;
	}
	return 0;
}

int
ipclock__os_io_empty(const struct os_file *file)
{
	FILE_END_OF_FILE_INFO end = { .EndOfFile.QuadPart = 0 };

	return SetFileInformationByHandle(ipclock__os_handle(file->fd), FileEndOfFileInfo, &end, sizeof(end)) ? 0 :
	    ipclock__os_error(GetLastError());
}

/* ---- the mark ---- */

static const struct os_range mark = { MARK_BYTE, 1 };

int
ipclock__os_io_mark(const struct os_file *file)
{
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
	int r;

	if (!event)
		return ipclock__os_error(GetLastError());
	r = ipclock__os_overlapped_try(ipclock__os_handle(file->fd), event, mark, OS_EXCLUSIVE);
	CloseHandle(event);
	return r;
}

void
ipclock__os_io_unmark(const struct os_file *file)
{
	ipclock__os_overlapped_unlock(ipclock__os_handle(file->fd), mark);
}

/* ---- names ---- */

static bool
is_read_only(const wchar_t *path)
{
	DWORD attributes = GetFileAttributesW(path);

	return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_READONLY);
}

int
ipclock__os_io_remove(const wchar_t *path)
{
	DWORD error;

	if (DeleteFileW(path))
		return 0;
	error = GetLastError();
	if (error != ERROR_ACCESS_DENIED || !is_read_only(path))
		return ipclock__os_error(error);
	SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
	return DeleteFileW(path) ? 0 : ipclock__os_error(GetLastError());
}

int
ipclock__os_io_move(const wchar_t *from, const wchar_t *to, DWORD how)
{
	return MoveFileExW(from, to, how) ? 0 : ipclock__os_error(GetLastError());
}
