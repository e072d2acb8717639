/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the files of the program for Windows share. */
#ifndef IPCLOCK_CLI_WIN_H
#define IPCLOCK_CLI_WIN_H

#include <stdbool.h>
#include <windows.h>

/* system_win32.c: a string in the other encoding, to be freed; NULL: it is not valid, or there is no memory. */
wchar_t *utf16_of(const char *text);
char *utf8_of(const wchar_t *text);

/* What GetLastError() says, as an errno value. */
int last_error(void);

#endif
