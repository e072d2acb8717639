/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A command for tests/cli_win.sh, which sees what reaches it:
 *
 *	cli_args ARGUMENT...	prints each in brackets, as UTF-8, on a line of its own
 *	cli_args --input	prints its standard input
 *	cli_args --add FILE	adds 1 to the number in it, in no hurry
 *	cli_args --exit NUMBER	ends with that status
 *	cli_args --trap FILE	makes FILE, and ends with 9 at control-C
 *	cli_args --hold FILE	makes FILE, and ends with its standard input
 */

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <windows.h>

static void
print(const wchar_t *argument)
{
	char text[4096];

	if (WideCharToMultiByte(CP_UTF8, 0, argument, -1, text, sizeof(text), NULL, NULL) > 0)
		printf("[%s]\n", text);
}

static int
leave(const wchar_t *number)
{
	return (int)wcstoul(number, NULL, 10);
}

static int
make(const wchar_t *path)
{
	FILE *file = _wfopen(path, L"w");

	return file == NULL || fclose(file) != 0;
}

static BOOL WINAPI
handler(DWORD event)
{
	ExitProcess(event == CTRL_C_EVENT ? 9 : 1);
}

static int
trap(const wchar_t *path)
{
	SetConsoleCtrlHandler(handler, TRUE);
	if (make(path) != 0)
		return 1;
	Sleep(60000);
	return 2;
}

static int
hold(const wchar_t *path)
{
	if (make(path) != 0)
		return 1;
	while (getchar() != EOF)
		;
	return 0;
}

static int
count(const wchar_t *path)
{
	FILE *file = _wfopen(path, L"r");
	int n = 0, found = file != NULL ? fscanf(file, "%d", &n) : 0;

	if (found != 1 || fclose(file) != 0)
		return 1;
	Sleep(10);
	file = _wfopen(path, L"w");
	return file == NULL || fprintf(file, "%d\n", n + 1) < 0 || fclose(file) != 0;
}

static int
copy(void)
{
	int c;

	while ((c = getchar()) != EOF)
		putchar(c);
	return 0;
}

/* The arguments as the C library takes them from the command line. */
int wmain(int argc, wchar_t **argv);

int
wmain(int argc, wchar_t **argv)
{
	static const struct {
		const wchar_t *option;
		int (*act)(const wchar_t *operand);
	} acts[] = {
		{ L"--add", count },
		{ L"--exit", leave },
		{ L"--hold", hold },
		{ L"--trap", trap },
	};
	int i;

	if (argc == 2 && wcscmp(argv[1], L"--input") == 0)
		return copy();
	for (i = 0; argc == 3 && i < 4; i++)
		if (wcscmp(argv[1], acts[i].option) == 0)
			return acts[i].act(argv[2]);
	for (i = 1; i < argc; i++)
		print(argv[i]);
	return 0;
}
