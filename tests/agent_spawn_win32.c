/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include "agent_client.h"
#include "agent_spawn.h"
#include "support.h"
#include "tap_win32.h"

static HANDLE
handle_of(int fd)
{
	return (HANDLE)(intptr_t)fd;
}

/* One end is inherited by the agent. */
static void
make_pipe(HANDLE *read_end, HANDLE *write_end, HANDLE *inherited)
{
	ck_assert(CreatePipe(read_end, write_end, NULL, 0));
	ck_assert(SetHandleInformation(*inherited, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
}

void
agent_spawn(struct agent *a)
{
	STARTUPINFOA startup = { .cb = sizeof(startup), .dwFlags = STARTF_USESTDHANDLES };
	const char *program = getenv("AGENT");
	PROCESS_INFORMATION process;
	HANDLE in, out, log_read, log_write;
	char command[64];

	ck_assert_msg(program != NULL, "no agent: say AGENT=PATH");
	make_pipe(&startup.hStdInput, &in, &startup.hStdInput);
	make_pipe(&out, &startup.hStdOutput, &startup.hStdOutput);
	make_pipe(&log_read, &log_write, &log_write);
	startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
	snprintf(command, sizeof(command), "agent %d", (int)(intptr_t)log_write);
	a->told[0] = '\0';
	ck_assert(tap_win32_start(program, command, 0, &startup, &process));
	CloseHandle(startup.hStdInput);
	CloseHandle(startup.hStdOutput);
	CloseHandle(log_write);
	CloseHandle(process.hThread);
	a->pid = (pid_t)process.dwProcessId;
	a->process = (int)(intptr_t)process.hProcess;
	a->in = (int)(intptr_t)in;
	a->out = (int)(intptr_t)out;
	a->log = (int)(intptr_t)log_read;
}

int
agent_write(int fd, const char *text, int n)
{
	DWORD written = 0;

	WriteFile(handle_of(fd), text, (DWORD)n, &written, NULL);
	return (int)written;
}

int
agent_readable(int fd, int ms)
{
	long end = now_ms() + ms;
	DWORD n = 0;

	while (PeekNamedPipe(handle_of(fd), NULL, 0, NULL, &n, NULL) && n == 0) {
		if (now_ms() >= end)
			return 0;
		Sleep(1);
	}
	return 1;
}

int
agent_read(int fd, char *byte)
{
	DWORD n = 0;

	return ReadFile(handle_of(fd), byte, 1, &n, NULL) && n == 1 ? 1 : 0;
}

void
agent_kill(struct agent *a, int sig)
{
	if (sig == SIGKILL) {
		ck_assert(TerminateProcess(handle_of(a->process), 1));
		agent_end(a);
	} else if (sig == SIGCONT) {
		ck_assert_int_eq(win_stop(a->process, false), 0);
	} else {
		tap_skip("it needs signals");
	}
}

void
agent_stop(struct agent *a)
{
	ck_assert_int_eq(win_stop(a->process, true), 0);
}

void
agent_end(struct agent *a)
{
	CloseHandle(handle_of(a->in));
	CloseHandle(handle_of(a->out));
	CloseHandle(handle_of(a->log));
	WaitForSingleObject(handle_of(a->process), INFINITE);
	CloseHandle(handle_of(a->process));
	a->pid = 0;
}
