/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "os_io_win32.h"

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

static OVERLAPPED
mark(HANDLE event)
{
	return (OVERLAPPED){ .Offset = (DWORD)(MARK_BYTE & 0xffffffff), .OffsetHigh = (DWORD)(MARK_BYTE >> 32),
		.hEvent = event };
}

/* It may pend although it must not wait. */
static DWORD
try_mark(HANDLE handle, OVERLAPPED *place)
{
	DWORD error, none;

	if (LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, place))
		return 0;
	error = GetLastError();
	if (error == ERROR_IO_PENDING)
		error = GetOverlappedResult(handle, place, &none, TRUE) ? 0 : GetLastError();
	return error;
}

int
ipclock__os_io_mark(const struct os_file *file)
{
	OVERLAPPED place = mark(CreateEventW(NULL, TRUE, FALSE, NULL));
	DWORD error;

	if (!place.hEvent)
		return ipclock__os_error(GetLastError());
	error = try_mark(ipclock__os_handle(file->fd), &place);
	CloseHandle(place.hEvent);
	switch (error) {
	case ERROR_LOCK_VIOLATION:
		return EBUSY;
	case ERROR_INVALID_FUNCTION:
	case ERROR_NOT_SUPPORTED:
		return ENOTSUP;
	default:
		return ipclock__os_error(error);
	}
}

void
ipclock__os_io_unmark(const struct os_file *file)
{
	OVERLAPPED place = mark(NULL);

	UnlockFileEx(ipclock__os_handle(file->fd), 0, 1, 0, &place);
}

/* ---- names ---- */

static bool
is_read_only(const wchar_t *path)
{
	DWORD attributes = GetFileAttributesW(path);

	return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_READONLY);
}

static int
name_error(DWORD error)
{
	return error == ERROR_SHARING_VIOLATION ? EBUSY : ipclock__os_error(error);
}

int
ipclock__os_io_remove(const wchar_t *path)
{
	DWORD error;

	if (DeleteFileW(path))
		return 0;
	error = GetLastError();
	if (error != ERROR_ACCESS_DENIED || !is_read_only(path))
		return name_error(error);
	SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
	return DeleteFileW(path) ? 0 : name_error(GetLastError());
}

int
ipclock__os_io_move(const wchar_t *from, const wchar_t *to, DWORD how)
{
	return MoveFileExW(from, to, how) ? 0 : name_error(GetLastError());
}
