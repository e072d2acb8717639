/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#include "tap_process.h"

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

static int
start(int n, PROCESS_INFORMATION *process)
{
	STARTUPINFOA startup = { .cb = sizeof(startup) };
	char program[MAX_PATH], number[16];
	BOOL started;

	snprintf(number, sizeof(number), "%d", n + 1);
	GetModuleFileNameA(NULL, program, sizeof(program));
	SetEnvironmentVariableA("TAP_CASE", number);
	started = CreateProcessA(program, NULL, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &startup, process);
	SetEnvironmentVariableA("TAP_CASE", NULL);
	if (!started)
		printf("# cannot start %s: error %lu\n", program, (unsigned long)GetLastError());
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
