/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#ifndef TAP_WIN32_H
#define TAP_WIN32_H

#include <windows.h>

/* CreateProcess, with all handles that can be inherited; says why not. */
BOOL tap_win32_start(const char *program, char *command, DWORD flags, STARTUPINFOA *startup,
    PROCESS_INFORMATION *process);

#endif
