/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The events of a console: Ctrl-C, Ctrl-Break, its closing.  The system calls
 * the handler in a thread of its own.  It leaves the end to the main thread, but
 * not while that is in a read, from which nothing else would bring it back.
 */

#include <errno.h>

#include "signals.h"
#include "win32.h"

enum {
	BUSY,
	READING,
	ENDING, /* the handler's thread does it; the main thread comes no further */
};

static int depth;
static HANDLE wake;
static volatile LONG caught, state;
void (*signals_undo)(void);

void
signals_raise(void)
{
	if (!signals_caught())
		return;
	if (signals_undo != NULL)
		signals_undo();
	ExitProcess((UINT)STATUS_CONTROL_C_EXIT); /* as if there were no handler */
}

static BOOL WINAPI
handler(DWORD event)
{
	InterlockedExchange(&caught, 1);
	SetEvent(wake);
	if (InterlockedCompareExchange(&state, ENDING, READING) == READING)
		signals_raise();
	if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
		Sleep(INFINITE); /* the process would end with this call */
	return TRUE;
}

void
signals_catch(void)
{
	if (depth++ > 0)
		return;
	if (wake == NULL)
		wake = CreateEventW(NULL, TRUE, FALSE, NULL);
	SetConsoleCtrlHandler(handler, TRUE);
}

bool
signals_caught(void)
{
	return caught != 0;
}

void
signals_release(void)
{
	if (--depth > 0)
		return;
	SetConsoleCtrlHandler(handler, FALSE);
	signals_raise();
}

void
signals_wait(int fd, int64_t us)
{
	(void)fd; /* always -1: pollfd has none here */
	WaitForSingleObject(wake, us < INT64_C(1000000000) ? (DWORD)((us + 999) / 1000) : 1000000);
}

/* Ctrl-C makes a read from a console succeed with nothing: that is no end. */
static int
read_once(char *data, size_t size, size_t *n)
{
	HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
	DWORD got = 0;
	BOOL done;

	do {
		SetLastError(ERROR_SUCCESS);
		done = ReadFile(input, data, (DWORD)size, &got, NULL);
	} while (got == 0 && GetLastError() == ERROR_OPERATION_ABORTED);
	*n = got;
	return done || GetLastError() == ERROR_BROKEN_PIPE || GetLastError() == ERROR_HANDLE_EOF ? 0 : last_error();
}

int
signals_read(char *data, size_t size, size_t *n)
{
	int error = 0;

	*n = 0;
	InterlockedExchange(&state, READING);
	if (!signals_caught())
		error = read_once(data, size, n);
	if (InterlockedCompareExchange(&state, BUSY, READING) == ENDING)
		Sleep(INFINITE);
	signals_raise();
	return error;
}

void
signals_defer(void)
{
	signals_catch();
}

void
signals_undefer(void)
{
	signals_release();
}
