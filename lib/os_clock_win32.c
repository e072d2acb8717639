/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The performance counter of Windows, which nobody can set. */
#include <config.h>

#include "os_win32.h"

#define SECOND      INT64_C(1000000000)
#define LONGEST_MS  INT64_C(3600000) /* a wait at a time */

int64_t
ipclock__os_now(void)
{
	LARGE_INTEGER count, frequency;

	QueryPerformanceFrequency(&frequency);
	QueryPerformanceCounter(&count);
	return count.QuadPart / frequency.QuadPart * SECOND +
	    count.QuadPart % frequency.QuadPart * SECOND / frequency.QuadPart;
}

DWORD
ipclock__os_ms_until(int64_t when)
{
	int64_t left;

	if (when == OS_NEVER)
		return INFINITE;
	left = when - ipclock__os_now();
	if (left <= 0)
		return 0;
	left = (left + OS_MS - 1) / OS_MS;
	return (DWORD)(left < LONGEST_MS ? left : LONGEST_MS);
}

/* Sleep() counts ticks and may be a part of one short. */
int
ipclock__os_sleep_until(int64_t when)
{
	DWORD ms;

	while ((ms = ipclock__os_ms_until(when)) != 0)
		Sleep(ms);
	return 0;
}

/* There are none. */
bool
ipclock__os_signals_hold(void)
{
	return false;
}

bool
ipclock__os_signals_let(void)
{
	return false;
}
