/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#include "agent_os.h"

static HANDLE log_to = INVALID_HANDLE_VALUE;

void
agent_begin(int argc, char **argv)
{
	if (argc > 1)
		log_to = (HANDLE)(intptr_t)atoi(argv[1]);
	_setmode(_fileno(stdin), _O_BINARY);
	_setmode(_fileno(stdout), _O_BINARY);
}

void
agent_log(const char *text, int n)
{
	DWORD written;

	WriteFile(log_to, text, (DWORD)n, &written, NULL);
}

long
agent_pid(void)
{
	return (long)GetCurrentProcessId();
}

#define RANGES 16

/* What is held: a range is unlocked as it was locked, and never twice. */
static struct range {
	int64_t start, len; /* len 0: none */
} ranges[RANGES];

static BOOL
change(HANDLE file, DWORD flags, const struct range *range)
{
	OVERLAPPED o = { .Offset = (DWORD)range->start, .OffsetHigh = (DWORD)((uint64_t)range->start >> 32) };
	DWORD low = (DWORD)range->len, high = (DWORD)((uint64_t)range->len >> 32);

	if (flags == 0)
		return UnlockFileEx(file, 0, low, high, &o);
	return LockFileEx(file, flags, 0, low, high, &o);
}

static void
unlock_inside(HANDLE file, const struct range *outer)
{
	int i;

	for (i = 0; i < RANGES; i++)
		if (ranges[i].len != 0 && ranges[i].start >= outer->start &&
		    ranges[i].start + (ranges[i].len - 1) <= outer->start + (outer->len - 1)) {
			change(file, 0, &ranges[i]);
			ranges[i].len = 0;
		}
}

long
agent_raw(const char *path, char kind, long long start, long long len)
{
	static HANDLE file = INVALID_HANDLE_VALUE;
	struct range range = { .start = start, .len = len == 0 ? INT64_MAX - start : len };
	DWORD flags = LOCKFILE_FAIL_IMMEDIATELY | (kind == 'w' ? LOCKFILE_EXCLUSIVE_LOCK : 0);
	int i;

	if (file == INVALID_HANDLE_VALUE)
		file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0,
		    NULL);
	if (kind == 'u') {
		unlock_inside(file, &range);
		return 0;
	}
	for (i = 0; ranges[i].len != 0; i++)
		if (i == RANGES - 1)
			return ENOLCK;
	if (!change(file, flags, &range))
		return GetLastError() == ERROR_LOCK_VIOLATION ? EAGAIN : EACCES;
	ranges[i] = range;
	return 0;
}

/* The tests that want these are not made here. */
long
agent_fork(void)
{
	return -1;
}

long
agent_daemon(void)
{
	return -1;
}

void
agent_exec(void)
{
	exit(2);
}

long
agent_pass(int fd)
{
	(void)fd;
	return -1;
}
