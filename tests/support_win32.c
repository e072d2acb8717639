/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <windows.h>
#include <tlhelp32.h>
#include <winternl.h>

#include "support.h"
#include "support_os.h"
#include "tap_win32.h"

void
support_make_directory(char *path)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz";
	char base[MAX_PATH], *p;
	LARGE_INTEGER now;
	uint64_t seed;
	int i;

	ck_assert_int_gt(GetTempPathA(sizeof(base), base), 0);
	for (p = base; *p != '\0'; p++)
		if (*p == '\\')
			*p = '/';
	do {
		char name[9] = "";

		QueryPerformanceCounter(&now);
		seed = (uint64_t)now.QuadPart * 40503 + GetCurrentProcessId();
		for (i = 0; i < 8; i++, seed /= 26)
			name[i] = alphabet[seed % 26];
		ck_assert_int_lt(snprintf(path, SUPPORT_DIRECTORY, "%sipclock-test.%s", base, name), SUPPORT_DIRECTORY);
	} while (!CreateDirectoryA(path, NULL) && GetLastError() == ERROR_ALREADY_EXISTS);
}

void
support_remove_directory(const char *path)
{
	WIN32_FIND_DATAA entry;
	char name[MAX_PATH * 2];
	HANDLE find;

	snprintf(name, sizeof(name), "%s/*", path);
	find = FindFirstFileA(name, &entry);
	if (find != INVALID_HANDLE_VALUE) {
		do {
			if (strcmp(entry.cFileName, ".") == 0 || strcmp(entry.cFileName, "..") == 0)
				continue;
			snprintf(name, sizeof(name), "%s/%s", path, entry.cFileName);
			SetFileAttributesA(name, FILE_ATTRIBUTE_NORMAL);
			if (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
				support_remove_directory(name);
			else
				DeleteFileA(name);
		} while (FindNextFileA(find, &entry));
		FindClose(find);
	}
	RemoveDirectoryA(path);
}

/* Of a handle that is open; the system's own libraries come and go with others. */
static int
is_file(HANDLE handle)
{
	union {
		PUBLIC_OBJECT_TYPE_INFORMATION type;
		char bytes[1024];
	} info;

	return NtQueryObject(handle, ObjectTypeInformation, &info, sizeof(info), NULL) == 0 &&
	    wcsncmp(info.type.TypeName.Buffer, L"File", info.type.TypeName.Length / sizeof(wchar_t)) == 0;
}

/* One by one: not every system tells how many there are. */
int
fd_count(void)
{
	DWORD flags;
	intptr_t h;
	int n = 0;

	for (h = 4; h < 16 * 1024; h += 4)
		n += GetHandleInformation((HANDLE)h, &flags) && is_file((HANDLE)h);
	return n;
}

int
support_threads(void)
{
	HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
	THREADENTRY32 thread = { .dwSize = sizeof(thread) };
	DWORD me = GetCurrentProcessId();
	int n = 0;

	if (Thread32First(all, &thread))
		do
			n += thread.th32OwnerProcessID == me;
		while (Thread32Next(all, &thread));
	CloseHandle(all);
	return n;
}

static OVERLAPPED
from_byte(int64_t byte)
{
	return (OVERLAPPED){ .Offset = (DWORD)byte, .OffsetHigh = (DWORD)((uint64_t)byte >> 32) };
}

/* 0, EAGAIN or EACCES.  The handle waits for itself alone: it is not overlapped. */
static int
lock_at_once(HANDLE file, DWORD exclusive, int64_t start, int64_t len)
{
	OVERLAPPED o = from_byte(start);

	if (LockFileEx(file, LOCKFILE_FAIL_IMMEDIATELY | exclusive, 0, (DWORD)len, (DWORD)((uint64_t)len >> 32), &o))
		return 0;
	return GetLastError() == ERROR_LOCK_VIOLATION ? EAGAIN : EACCES;
}

static void
unlock(HANDLE file, int64_t start, int64_t len)
{
	OVERLAPPED o = from_byte(start);

	UnlockFileEx(file, 0, (DWORD)len, (DWORD)((uint64_t)len >> 32), &o);
}

/* Nobody tells who holds a range: a shared try finds whether a number is in it, then by halves. */
static int
count_between(HANDLE file, int64_t from, int64_t len, int kinds)
{
	int64_t half = len / 2;

	if (lock_at_once(file, 0, from, len) == 0) {
		unlock(file, from, len);
		return 0;
	}
	if (len == 1)
		return kinds < 0 || (from & 1) == kinds;
	return count_between(file, from, half, kinds) + count_between(file, from + half, len - half, kinds);
}

int
numbers_of(const char *path, unsigned slot, int kinds)
{
	HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
	    OPEN_EXISTING, 0, NULL);
	int64_t begin = LINE_BASE + LINE_SIZE * (int64_t)slot;
	int n = 0;

	if (file == INVALID_HANDLE_VALUE)
		return 0;
	if (lock_at_once(file, 0, begin - 1, 1) == 0) /* else the whole file is locked */
		n = count_between(file, begin, LINE_SIZE, kinds);
	CloseHandle(file);
	return n;
}

#define CHILDREN 64

/* By process id, which stays theirs as long as there is a handle. */
static HANDLE children[CHILDREN];

int
child_result(pid_t pid)
{
	DWORD status = 1;
	int i;

	for (i = 0; i < CHILDREN && (children[i] == NULL || GetProcessId(children[i]) != (DWORD)pid); i++)
		;
	ck_assert_int_lt(i, CHILDREN);
	WaitForSingleObject(children[i], INFINITE);
	GetExitCodeProcess(children[i], &status);
	CloseHandle(children[i]);
	children[i] = NULL;
	return (int)status;
}

/* The function, wherever the program may be loaded there. */
static intptr_t
place_of(int (*fn)(const char *text))
{
	return (intptr_t)fn - (intptr_t)GetModuleHandleA(NULL);
}

static void
start(char *order, PROCESS_INFORMATION *process)
{
	STARTUPINFOA startup = { .cb = sizeof(startup) };
	char program[MAX_PATH];

	GetModuleFileNameA(NULL, program, sizeof(program));
	SetEnvironmentVariableA("TEST_SPAWN", order);
	ck_assert(tap_win32_start(program, NULL, 0, &startup, process));
	SetEnvironmentVariableA("TEST_SPAWN", NULL);
	CloseHandle(process->hThread);
}

pid_t
test_spawn(int (*fn)(const char *text), const char *text, const int *fds, int n)
{
	PROCESS_INFORMATION process;
	char order[1024];
	int i;

	snprintf(order, sizeof(order), "%lld %s %s", (long long)place_of(fn), test_dir, text);
	for (i = 0; i < n; i++)
		SetHandleInformation((HANDLE)(intptr_t)fds[i], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	start(order, &process);
	for (i = 0; i < n; i++)
		SetHandleInformation((HANDLE)(intptr_t)fds[i], HANDLE_FLAG_INHERIT, 0);
	for (i = 0; i < CHILDREN - 1 && children[i] != NULL; i++)
		;
	children[i] = process.hProcess;
	return (pid_t)process.dwProcessId;
}

void
support_spawned(void (*with_directory)(const char *path))
{
	const char *order = getenv("TEST_SPAWN");
	char directory[SUPPORT_DIRECTORY];
	long long place;
	int text = 0;

	if (order == NULL)
		return;
	if (sscanf(order, "%lld %127s %n", &place, directory, &text) != 2)
		abort();
	with_directory(directory);
	TerminateProcess(GetCurrentProcess(),
	    (UINT)((int (*)(const char *))((intptr_t)GetModuleHandleA(NULL) + (intptr_t)place))(order + text));
}

void *
test_shared(const char *path, size_t size)
{
	HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0,
	    NULL);
	HANDLE mapping = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, (DWORD)size, NULL);
	void *p = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, size);

	ck_assert_ptr_nonnull(p);
	CloseHandle(mapping);
	CloseHandle(file);
	return p;
}

int
in_child(int (*fn)(void *), void *arg)
{
	(void)fn;
	(void)arg;
	tap_skip("it needs fork(2)");
}

int
raw_lock(int fd, int type, int64_t start, int64_t len)
{
	if (type == F_UNLCK) {
		unlock((HANDLE)(intptr_t)fd, start, len);
		return 0;
	}
	return lock_at_once((HANDLE)(intptr_t)fd, type == F_WRLCK ? LOCKFILE_EXCLUSIVE_LOCK : 0, start, len);
}
