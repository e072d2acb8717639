/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "cli.h"
#include "system.h"
#include "win32.h"

#include <shellapi.h>

/* ---- text ---- */

wchar_t *
utf16_of(const char *text)
{
	int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
	wchar_t *wide = n > 0 ? malloc((size_t)n * sizeof(*wide)) : NULL;

	if (wide != NULL)
		MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, n);
	return wide;
}

char *
utf8_of(const wchar_t *wide)
{
	int n = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, NULL, 0, NULL, NULL);
	char *text = n > 0 ? malloc((size_t)n) : NULL;

	if (text != NULL)
		WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, n, NULL, NULL);
	return text;
}

/* ---- the program ---- */

/* Not those of main(): they are in the code page, and their patterns may have been replaced by names. */
static char **
arguments(int *n)
{
	wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), n);
	char **args = wide != NULL ? calloc((size_t)*n + 1, sizeof(*args)) : NULL;
	int i;

	for (i = 0; args != NULL && i < *n; i++) {
		args[i] = utf8_of(wide[i]);
		if (args[i] == NULL)
			return NULL;
	}
	return args;
}

int
main(void)
{
	int n;
	char **args = arguments(&n);

	return args != NULL ? program(n, args) : wrong("the arguments are not valid UTF-16");
}

int64_t
now_us(void)
{
	LARGE_INTEGER now, second;

	QueryPerformanceFrequency(&second);
	QueryPerformanceCounter(&now);
	return now.QuadPart / second.QuadPart * 1000000 + now.QuadPart % second.QuadPart * 1000000 / second.QuadPart;
}

int
environment_set(const char *name, const char *value)
{
	wchar_t *wide_name = utf16_of(name), *wide_value = utf16_of(value);
	bool done = wide_name != NULL && wide_value != NULL && SetEnvironmentVariableW(wide_name, wide_value);

	free(wide_name);
	free(wide_value);
	return done ? 0 : ENOMEM;
}

/* ---- errors ---- */

bool
is_full(int error)
{
	return error == ENOSPC;
}

int
last_error(void)
{
	switch (GetLastError()) {
	case ERROR_INVALID_HANDLE:
	case ERROR_ACCESS_DENIED: /* to a handle that is there already */
		return EBADF;
	case ERROR_DISK_FULL:
	case ERROR_HANDLE_DISK_FULL:
		return ENOSPC;
	case ERROR_NOT_ENOUGH_MEMORY:
	case ERROR_NO_SYSTEM_RESOURCES:
		return ENOMEM;
	default:
		return EIO;
	}
}

/* ---- the console ---- */

static bool
is_console(HANDLE handle)
{
	DWORD mode;

	return GetConsoleMode(handle, &mode);
}

/* In UTF-16: its code page is not ours alone to change. */
static void
show(HANDLE console, const char *text, size_t size)
{
	int n = MultiByteToWideChar(CP_UTF8, 0, text, (int)size, NULL, 0);
	wchar_t *wide = n > 0 ? malloc((size_t)n * sizeof(*wide)) : NULL;
	DWORD shown;

	if (wide == NULL)
		return;
	MultiByteToWideChar(CP_UTF8, 0, text, (int)size, wide, n);
	WriteConsoleW(console, wide, (DWORD)n, &shown, NULL);
	free(wide);
}

int
text_write(FILE *stream, const char *format, va_list ap)
{
	HANDLE handle = GetStdHandle(stream == stdout ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);
	char *text;
	int n;

	if (!is_console(handle))
		return vfprintf(stream, format, ap);
	n = vasprintf(&text, format, ap);
	if (n < 0)
		return n;
	show(handle, text, (size_t)n);
	free(text);
	return n;
}

bool
terminal_is_there(void)
{
	return is_console(GetStdHandle(STD_ERROR_HANDLE));
}

bool
terminal_is_ours(void)
{
	return true;
}

int
terminal_columns(void)
{
	CONSOLE_SCREEN_BUFFER_INFO info;

	return GetConsoleScreenBufferInfo(GetStdHandle(STD_ERROR_HANDLE), &info) ?
	    info.srWindow.Right - info.srWindow.Left + 1 : 80;
}

void
terminal_write(const char *text, size_t size)
{
	show(GetStdHandle(STD_ERROR_HANDLE), text, size);
}

/* ---- files ---- */

int
file_write(int fd, const char *data, size_t size)
{
	DWORD n;

	for (; size > 0; data += n, size -= n)
		if (!WriteFile((HANDLE)(intptr_t)fd, data, size < 0x10000000 ? (DWORD)size : 0x10000000, &n, NULL))
			return last_error();
	return 0;
}

/* A directory's access control list decides.  That its owner may write is all that can be had. */
int
file_set_mode(int fd, int mode)
{
	(void)fd;
	return mode & 0200 ? 0 : EPERM;
}

/* By the full names: links are not followed. */
bool
file_is_same(const char *a, const char *b)
{
	wchar_t *wide_a = utf16_of(a), *wide_b = utf16_of(b);
	wchar_t *full_a = wide_a != NULL ? _wfullpath(NULL, wide_a, 0) : NULL;
	wchar_t *full_b = wide_b != NULL ? _wfullpath(NULL, wide_b, 0) : NULL;
	bool same = full_a != NULL && full_b != NULL && _wcsicmp(full_a, full_b) == 0;

	free(full_b);
	free(full_a);
	free(wide_b);
	free(wide_a);
	return same;
}

/* They are the directory's to give. */
void
file_mode_at_most(int mode)
{
	(void)mode;
}

void
file_size_is_error(void)
{
}
