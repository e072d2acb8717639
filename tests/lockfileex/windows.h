/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* As much of Windows as locks a file, so that tests/test_lockfileex.c can play it anywhere. */
#ifndef LOCKFILEEX_WINDOWS_H
#define LOCKFILEEX_WINDOWS_H

#include <stdint.h>
#include <wchar.h>

typedef void *HANDLE;
typedef uint32_t DWORD;
typedef int32_t LONG;
typedef int64_t LONGLONG;
typedef int BOOL;
typedef uintptr_t ULONG_PTR;

typedef union {
	struct {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		LONG HighPart;
		DWORD LowPart;
#else
		DWORD LowPart;
		LONG HighPart;
#endif
	};
	LONGLONG QuadPart;
} LARGE_INTEGER;

typedef struct {
	ULONG_PTR Internal;
	ULONG_PTR InternalHigh;
	DWORD Offset;
	DWORD OffsetHigh;
	HANDLE hEvent;
} OVERLAPPED;

typedef struct {
	int taken;
} SRWLOCK;

#define SRWLOCK_INIT               { 0 }
#define TRUE                       1
#define FALSE                      0
#define INFINITE                   0xFFFFFFFFu
#define WAIT_OBJECT_0              0u
#define WAIT_TIMEOUT               258u
#define LOCKFILE_FAIL_IMMEDIATELY  1u
#define LOCKFILE_EXCLUSIVE_LOCK    2u
#define ERROR_LOCK_VIOLATION       33u
#define ERROR_INVALID_PARAMETER    87u
#define ERROR_NOT_LOCKED           158u
#define ERROR_OPERATION_ABORTED    995u
#define ERROR_IO_PENDING           997u
#define ERROR_NOT_FOUND            1168u

BOOL LockFileEx(HANDLE file, DWORD flags, DWORD reserved, DWORD low, DWORD high, OVERLAPPED *request);
BOOL UnlockFileEx(HANDLE file, DWORD reserved, DWORD low, DWORD high, OVERLAPPED *request);
BOOL CancelIoEx(HANDLE file, OVERLAPPED *request);
BOOL GetOverlappedResult(HANDLE file, OVERLAPPED *request, DWORD *bytes, BOOL wait);
DWORD GetLastError(void);
HANDLE CreateEventW(void *security, BOOL manual, BOOL set, const wchar_t *name);
BOOL ResetEvent(HANDLE event);
BOOL CloseHandle(HANDLE handle);
DWORD WaitForSingleObject(HANDLE handle, DWORD ms);
void InitializeSRWLock(SRWLOCK *lock);
void AcquireSRWLockExclusive(SRWLOCK *lock);
void AcquireSRWLockShared(SRWLOCK *lock);
void ReleaseSRWLockExclusive(SRWLOCK *lock);
void ReleaseSRWLockShared(SRWLOCK *lock);

#endif
