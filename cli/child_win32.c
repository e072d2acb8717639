/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Running the command.  A process cannot become another, and an inherited
 * handle holds no lock: we hold it and wait, and the command ends with us.
 *
 * A command line is one string; each program takes it apart for itself, most
 * by the rules of CommandLineToArgvW(), cmd.exe by its own.
 */

#include <errno.h>
#include <stdlib.h>
#include <wchar.h>

#include "child.h"
#include "cli.h"
#include "signals.h"
#include "win32.h"

#define LONGEST 32767 /* of a command line, and of a path, with its end */

static struct line {
	size_t n;
	bool wrong; /* too long, or not to be expressed */
	wchar_t text[LONGEST];
} line;

static wchar_t path[LONGEST]; /* of what is executed */
static char *shell[3];

static const wchar_t *
command_interpreter(void)
{
	const wchar_t *name = _wgetenv(L"COMSPEC");

	return name != NULL && *name != L'\0' ? name : L"cmd.exe";
}

char **
child_shell(char *string)
{
	static char unnamed[] = "cmd.exe";

	shell[0] = utf8_of(command_interpreter());
	if (shell[0] == NULL)
		shell[0] = unnamed;
	shell[1] = string;
	return shell;
}

/* ---- the program ---- */

/* A bare name is looked for along PATH only, not beside this program or where the user is. */
static bool
find_exactly(const wchar_t *name)
{
	const wchar_t *directories = _wgetenv(L"PATH");
	DWORD n, attributes = INVALID_FILE_ATTRIBUTES;

	if (wcspbrk(name, L"/\\:") != NULL)
		n = GetFullPathNameW(name, LONGEST, path, NULL);
	else
		n = SearchPathW(directories != NULL ? directories : L"", name, NULL, LONGEST, path, NULL);
	if (n > 0 && n < LONGEST)
		attributes = GetFileAttributesW(path);
	return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

static bool
ends_in(const wchar_t *name, const wchar_t *ending)
{
	size_t n = wcslen(name), m = wcslen(ending);

	return n > m && _wcsicmp(name + n - m, ending) == 0;
}

static bool
is_batch(const wchar_t *name)
{
	return ends_in(name, L".bat") || ends_in(name, L".cmd");
}

/* A name without the ending of a program gets each in turn. */
static bool
find(const wchar_t *name)
{
	static const wchar_t *const endings[] = { L".com", L".exe", L".bat", L".cmd" };
	static wchar_t longer[LONGEST];
	size_t i;

	for (i = 0; i < 4; i++)
		if (ends_in(name, endings[i]))
			return find_exactly(name);
	for (i = 0; i < 4 && wcslen(name) + 4 < LONGEST; i++) {
		wcscpy(longer, name);
		wcscat(longer, endings[i]);
		if (find_exactly(longer))
			return true;
	}
	return false;
}

/* ---- the command line ---- */

static void
add(size_t times, wchar_t c)
{
	for (; times > 0 && line.n + 1 < LONGEST; times--)
		line.text[line.n++] = c;
	line.wrong = line.wrong || times > 0;
}

static void
add_text(const wchar_t *text)
{
	while (*text != L'\0')
		add(1, *text++);
}

/* Backslashes count double before a quote, and only there. */
static void
add_quoted(const wchar_t *text)
{
	size_t n;

	if (*text != L'\0' && wcspbrk(text, L" \t\n\v\"") == NULL) {
		add_text(text);
		return;
	}
	add(1, L'"');
	for (;; text++) {
		for (n = 0; *text == L'\\'; text++)
			n++;
		if (*text == L'\0')
			break;
		add(*text == L'"' ? 2 * n + 1 : n, L'\\');
		add(1, *text);
	}
	add(2 * n, L'\\');
	add(1, L'"');
}

/* Between quotes cmd.exe would still find a quote, a variable, and the end of the line. */
static void
add_for_batch(const wchar_t *text)
{
	bool plain = *text != L'\0' && wcspbrk(text, L" \t\v!&'()+,;<=>[]^`{|}~") == NULL;

	line.wrong = line.wrong || wcspbrk(text, L"\"%\r\n") != NULL;
	add(!plain, L'"');
	add_text(text);
	add(!plain, L'"');
}

static void
add_argument(const char *text, void (*how)(const wchar_t *text))
{
	wchar_t *wide = utf16_of(text);

	if (wide != NULL)
		how(wide);
	else
		line.wrong = true;
	free(wide);
}

static void
add_arguments(char **arguments, void (*how)(const wchar_t *text))
{
	for (; *arguments != NULL; arguments++) {
		add(1, L' ');
		add_argument(*arguments, how);
	}
}

/* cmd.exe takes off the first and the last quote and leaves the rest as it is. */
static void
compose_shell(const char *string)
{
	add_quoted(command_interpreter());
	add_text(L" /d /s /c \"");
	add_argument(string, add_text);
	add(1, L'"');
}

static void
compose_batch(char **command)
{
	add_quoted(command_interpreter());
	add_text(L" /e:on /v:off /d /s /c \"");
	add_for_batch(path);
	add_arguments(command + 1, add_for_batch);
	add(1, L'"');
}

/* The path and the command line: NULL, or why not. */
static const char *
compose(char **command)
{
	wchar_t *name = utf16_of(command[0]);
	bool found = name != NULL && find(name);

	if (found && command == shell)
		compose_shell(command[1]);
	else if (found && is_batch(path)) {
		compose_batch(command);
		found = find(command_interpreter());
	} else if (found) {
		add_quoted(name);
		add_arguments(command + 1, add_quoted);
	}
	free(name);
	return !found ? "there is no such program" : line.wrong ? "its arguments are too long, or not to be quoted" : NULL;
}

/* ---- the process ---- */

/* The command has had its own: one console, one Ctrl-C for all that are attached to it. */
static BOOL WINAPI
handler(DWORD event)
{
	if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
		Sleep(INFINITE); /* we would end with this call; the command has some seconds yet */
	return TRUE;
}

static void
limit(HANDLE job, DWORD flags)
{
	JOBOBJECT_EXTENDED_LIMIT_INFORMATION information = { .BasicLimitInformation = { .LimitFlags = flags } };

	SetInformationJobObject(job, JobObjectExtendedLimitInformation, &information, sizeof(information));
}

/* If we are killed the lock is free: so all that the command runs ends with us. */
static HANDLE
tie(HANDLE process)
{
	HANDLE job = CreateJobObjectW(NULL, NULL);

	limit(job, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK);
	AssignProcessToJobObject(job, process);
	return job;
}

/* But what it leaves behind may stay. */
static void
untie(HANDLE job)
{
	limit(job, JOB_OBJECT_LIMIT_BREAKAWAY_OK);
	CloseHandle(job);
}

static int
await(const PROCESS_INFORMATION *process, HANDLE job, const struct care *care)
{
	DWORD status = 0, ms = care->every_ms != 0 ? (DWORD)care->every_ms : INFINITE;

	while (WaitForSingleObject(process->hProcess, ms) == WAIT_TIMEOUT)
		if (care->touch(care->ctx) != 0) {
			TerminateJobObject(job, STATUS_LOCK);
			TerminateProcess(process->hProcess, STATUS_LOCK);
			ms = INFINITE;
		}
	GetExitCodeProcess(process->hProcess, &status);
	return (int)status;
}

static int
failed(const char *name, const char *why)
{
	complain("cannot execute %s: %s", name, why);
	return STATUS_EXEC;
}

static int
failed_to_start(const char *name)
{
	wchar_t text[256] = L"";
	size_t n;
	char *why;

	if (last_error() == ENOMEM) {
		complain("cannot execute %s: no memory left", name);
		return STATUS_SYSTEM;
	}
	FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL,
	    GetLastError(), 0, text, sizeof(text) / sizeof(*text), NULL);
	for (n = wcslen(text); n > 0 && text[n - 1] <= L' '; n--)
		text[n - 1] = L'\0';
	why = utf8_of(text);
	return failed(name, why != NULL ? why : "unknown error");
}

/* Of a process that died before its first instruction Wine says ERROR_INTERNAL_ERROR; on a busy machine some do. */
static bool
start(PROCESS_INFORMATION *process)
{
	STARTUPINFOW startup = { .cb = sizeof(startup) };
	bool started;
	int tries = 5;

	do
		started = CreateProcessW(path, line.text, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &startup, process);
	while (!started && GetLastError() == ERROR_INTERNAL_ERROR && --tries > 0);
	return started;
}

int
child_run(char **command, const struct care *care)
{
	PROCESS_INFORMATION process;
	const char *why = compose(command);
	HANDLE job;
	int status;

	if (why != NULL)
		return failed(command[0], why);
	signals_catch(); /* until the process is tied: it would stay for ever, suspended */
	if (!start(&process))
		return failed_to_start(command[0]);
	job = tie(process.hProcess);
	SetConsoleCtrlHandler(handler, TRUE);
	signals_release();
	ResumeThread(process.hThread);
	status = await(&process, job, care);
	untie(job);
	return status;
}

int
child_exec(char **command, int fd)
{
	(void)fd;
	return child_run(command, &(struct care){ 0 });
}
