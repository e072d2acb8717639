/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Who runs.  A start time is a date here, to 100 ns, which no change of the clock
 * changes: with the pid it names a process of this installation for all time,
 * so that one boot need not be told from another.
 */

#include <config.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "os_soft.h"
#include "os_win32.h"

#define ANY_BOOT "any"

/* Fit for a marker. */
static void
tidy(char *text)
{
	for (; *text; text++)
		if (!isgraph((unsigned char)*text) || (unsigned char)*text > 126)
			*text = '_';
}

static void
name_host(char *name, int size)
{
	wchar_t wide[256];
	DWORD length = sizeof(wide) / sizeof(wide[0]);

	if (!GetComputerNameExW(ComputerNameDnsHostname, wide, &length) ||
	    WideCharToMultiByte(CP_UTF8, 0, wide, -1, name, size, NULL, NULL) <= 1)
		strcpy(name, OS_UNKNOWN);
	tidy(name);
}

/* In a 32-bit program, too, that of the 64-bit system. */
static void
name_machine(char *name, DWORD size)
{
	HKEY key;

	*name = '\0';
	if (RegOpenKeyExA(HKEY_LOCAL_MACHINE, "SOFTWARE\\Microsoft\\Cryptography", 0, KEY_QUERY_VALUE | KEY_WOW64_64KEY,
	    &key) == 0) {
		if (RegGetValueA(key, NULL, "MachineGuid", RRF_RT_REG_SZ, NULL, name, &size))
			*name = '\0';
		RegCloseKey(key);
	}
	if (*name == '\0')
		strcpy(name, OS_UNKNOWN);
	tidy(name);
}

/* Of two installations under one name, as two prefixes of Wine, neither knows the other's processes. */
void
ipclock__os_system(struct os_system *system)
{
	name_host(system->host, sizeof(system->host));
	name_machine(system->machine, sizeof(system->machine));
	strcpy(system->boot, ANY_BOOT);
	strcpy(system->space, system->machine);
}

static uint64_t
start_of(HANDLE process)
{
	FILETIME start, end, kernel, user;

	if (!GetProcessTimes(process, &start, &end, &kernel, &user))
		return 0;
	return (uint64_t)start.dwHighDateTime << 32 | start.dwLowDateTime;
}

uint64_t
ipclock__os_started(long pid)
{
	HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
	uint64_t start = 0;

	if (process) {
		start = start_of(process);
		CloseHandle(process);
	}
	return start;
}

/* What has ended can be opened for as long as somebody has a handle of it. */
static enum os_life
life_of(HANDLE process, uint64_t started)
{
	uint64_t start = start_of(process);

	if (WaitForSingleObject(process, 0) == WAIT_OBJECT_0 || (started && start && start != started))
		return OS_GONE;
	return start ? OS_RUNS : OS_UNSURE;
}

enum os_life
ipclock__os_life(long pid, uint64_t started)
{
	HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, (DWORD)pid);
	enum os_life life;

	if (!process)
		return GetLastError() == ERROR_INVALID_PARAMETER ? OS_GONE : OS_UNSURE;
	life = life_of(process, started);
	CloseHandle(process);
	return life;
}
