/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A request that is put off is completed by the system when the range is free:
 * it writes the result and sets the event.  Wine (8.0, 10.0) does neither, and
 * says of the result that it is there and good.  So a request that is put off,
 * and of which the system has written nothing, is none; and nothing is held
 * unless the event says so too.
 */
#include <config.h>

#include <errno.h>

#include "os_overlapped_win32.h"

#define UNTOUCHED ((ULONG_PTR)0x5A5A5A5A) /* no status that Windows knows */

static _Atomic bool never_ends;

/* An offset that the file system does not know is no fault of the caller's. */
static int
meaning(DWORD error)
{
	if (error == ERROR_IO_PENDING)
		return EINPROGRESS;
	return error == ERROR_INVALID_PARAMETER ? ENOTSUP : ipclock__os_error(error);
}

static LARGE_INTEGER
length_of(struct os_range range)
{
	LARGE_INTEGER length;

	length.QuadPart = range.len;
	if (range.len == 0) { /* to the end of what POSIX systems can lock, 2^63 */
		length.QuadPart = INT64_MAX - range.start;
		length.QuadPart = (LONGLONG)((uint64_t)length.QuadPart + 1);
	}
	return length;
}

/* The lowest bit keeps word of the request from the completion port of a caller's handle. */
static OVERLAPPED
request_for(struct os_range range, HANDLE event)
{
	OVERLAPPED request = {
		.Internal = UNTOUCHED,
		.Offset = (DWORD)range.start,
		.OffsetHigh = (DWORD)(range.start >> 32),
		.hEvent = event ? (HANDLE)((ULONG_PTR)event | 1) : NULL,
	};

	return request;
}

static DWORD
flag_of(enum os_mode mode)
{
	return mode == OS_EXCLUSIVE ? LOCKFILE_EXCLUSIVE_LOCK : 0;
}

static int
ask(HANDLE file, OVERLAPPED *request, struct os_range range, DWORD flags)
{
	LARGE_INTEGER length = length_of(range);

	return LockFileEx(file, flags, 0, length.LowPart, (DWORD)length.HighPart, request) ? 0 : meaning(GetLastError());
}

static int
result_of(HANDLE file, OVERLAPPED *request)
{
	DWORD bytes;

	return GetOverlappedResult(file, request, &bytes, TRUE) ? 0 : meaning(GetLastError());
}

static bool
is_set(HANDLE event)
{
	return WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
}

static bool
was_noticed(const OVERLAPPED *request)
{
	return *(const volatile ULONG_PTR *)&request->Internal != UNTOUCHED;
}

/* Who cannot be believed may have granted it all the same. */
static int
distrust(HANDLE file, OVERLAPPED *request, struct os_range range)
{
	CancelIoEx(file, request);
	ipclock__os_overlapped_unlock(file, range);
	atomic_store(&never_ends, true);
	return EDEADLK;
}

/* A server far away may put off even a request that is not to wait; not for long. */
int
ipclock__os_overlapped_try(HANDLE file, HANDLE event, struct os_range range, enum os_mode mode)
{
	OVERLAPPED request = request_for(range, event);
	int r = ask(file, &request, range, LOCKFILE_FAIL_IMMEDIATELY | flag_of(mode));

	if (r != EINPROGRESS)
		return r;
	if (!was_noticed(&request)) {
		distrust(file, &request, range);
		return EBUSY;
	}
	return result_of(file, &request);
}

/* Too late: but what was granted at the last moment is granted. */
static int
call_off(HANDLE file, OVERLAPPED *request, HANDLE event, struct os_range range)
{
	int r;

	if (!CancelIoEx(file, request) && !is_set(event))
		return distrust(file, request, range);
	r = result_of(file, request);
	if (r == 0 && !is_set(event))
		return distrust(file, request, range);
	return r == ECANCELED ? ETIMEDOUT : r;
}

int
ipclock__os_overlapped_wait(HANDLE file, HANDLE event, struct os_range range, enum os_mode mode, int64_t until)
{
	OVERLAPPED request = request_for(range, event);
	bool set = false;
	DWORD ms;
	int r;

	ResetEvent(event);
	r = ask(file, &request, range, flag_of(mode));
	if (r != EINPROGRESS)
		return r;
	if (!was_noticed(&request))
		return distrust(file, &request, range);
	while (!set && (ms = ipclock__os_ms_until(until)) != 0)
		set = WaitForSingleObject(event, ms) == WAIT_OBJECT_0;
	return set ? result_of(file, &request) : call_off(file, &request, event, range);
}

bool
ipclock__os_overlapped_ends(void)
{
	return !atomic_load(&never_ends);
}

int
ipclock__os_overlapped_unlock(HANDLE file, struct os_range range)
{
	OVERLAPPED request = request_for(range, NULL);
	LARGE_INTEGER length = length_of(range);

	return UnlockFileEx(file, 0, length.LowPart, (DWORD)length.HighPart, &request) ? 0 : meaning(GetLastError());
}
