/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap_process.h"
#include "tap_win32.h"

#define STARTS 5

void
tap_process_begin(void)
{
	_setmode(_fileno(stdout), _O_BINARY);
	SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
}

/* Heard once: not for the processes that the test starts. */
int
tap_process_case(void)
{
	static char n[16];

	if (GetEnvironmentVariableA("TAP_CASE", n, sizeof(n)) == 0)
		return -1;
	_putenv("TAP_CASE=");
	return atoi(n) - 1;
}

/* Whoever is in it dies with it. */
static HANDLE
make_job(void)
{
	JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
		.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	};
	HANDLE job = CreateJobObjectW(NULL, NULL);

	SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits));
	return job;
}

/* On a busy machine Wine says ERROR_INTERNAL_ERROR, once in ten thousand times, of a process that never began. */
BOOL
tap_win32_start(const char *program, char *command, DWORD flags, STARTUPINFOA *startup, PROCESS_INFORMATION *process)
{
	DWORD error = ERROR_INTERNAL_ERROR;
	int i;

	for (i = 0; i < STARTS && error == ERROR_INTERNAL_ERROR; i++) {
		if (CreateProcessA(program, command, NULL, NULL, TRUE, flags, NULL, NULL, startup, process))
			return TRUE;
		error = GetLastError();
		printf("# cannot start %s: error %lu\n", program, (unsigned long)error);
	}
	return FALSE;
}

static BOOL
start(int n, PROCESS_INFORMATION *process)
{
	STARTUPINFOA startup = { .cb = sizeof(startup) };
	char program[MAX_PATH], number[16];
	BOOL started;

	snprintf(number, sizeof(number), "%d", n + 1);
	GetModuleFileNameA(NULL, program, sizeof(program));
	SetEnvironmentVariableA("TAP_CASE", number);
	started = tap_win32_start(program, NULL, CREATE_SUSPENDED, &startup, process);
	SetEnvironmentVariableA("TAP_CASE", NULL);
	return started;
}

int
tap_process_run(int n, double seconds, void (*run)(int n))
{
	PROCESS_INFORMATION process;
	HANDLE job = make_job();
	DWORD status = 1;

	(void)run;
	fflush(stdout);
	if (!start(n, &process))
		return 1;
	AssignProcessToJobObject(job, process.hProcess);
	ResumeThread(process.hThread);
	if (WaitForSingleObject(process.hProcess, (DWORD)(seconds * 1000)) != WAIT_OBJECT_0) {
		printf("# it took longer than %.0f s\n", seconds);
		TerminateProcess(process.hProcess, 1);
		WaitForSingleObject(process.hProcess, INFINITE);
	}
	GetExitCodeProcess(process.hProcess, &status);
	CloseHandle(job);
	CloseHandle(process.hThread);
	CloseHandle(process.hProcess);
	if (status > 0xff)
		printf("# ended by exception 0x%lx\n", (unsigned long)status);
	return status > 0xff ? 1 : (int)status;
}

void
tap_process_exit(int status)
{
	TerminateProcess(GetCurrentProcess(), (UINT)status);
	for (;;)
		;
}
