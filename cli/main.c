/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The program ipclock: its verbs, and what all of them need. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "system.h"

static const char help[] =
    "Usage: ipclock run [OPTION...] FILE COMMAND [ARG...]\n"
    "       ipclock run [OPTION...] FILE -c STRING\n"
    "       ipclock run [OPTION...] NUMBER\n"
    "       ipclock put [OPTION...] FILE\n"
    "       ipclock who [OPTION...] FILE\n"
    "       ipclock probe [--json] DIR\n"
    "       ipclock --help | --version\n"
    "\n"
    "Interprocess locks for shell scripts.\n"
    "\n"
    "  run    run a command, or go on, under a lock on a file\n"
    "  put    replace a file by the standard input, all of it or not at all\n"
    "  probe  try whether locking works in a directory\n"
    "  who    tell who holds the lock on a file, and who waits for it\n"
    "\n"
    "'ipclock VERB --help' lists the options; the manual is ipclock(1).\n";

static const struct verb {
	const char *name;
	int (*main)(int argc, char **argv);
} verbs[] = {
	{ "probe", probe_main },
	{ "put", put_main },
	{ "run", run_main },
	{ "who", who_main },
};

static void
vcomplain(const char *format, va_list ap)
{
	fputs("ipclock: ", stderr);
	text_write(stderr, format, ap);
	fputc('\n', stderr);
}

void
complain(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(format, ap);
	va_end(ap);
}

int
wrong(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(format, ap);
	va_end(ap);
	return STATUS_USAGE;
}

void
say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	text_write(stdout, format, ap);
	va_end(ap);
}

int
print(const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = text_write(stdout, format, ap);
	va_end(ap);
	if (n >= 0 && fflush(stdout) == 0)
		return 0;
	complain("cannot write to standard output");
	return STATUS_IO;
}

static bool
is_option(const char *arg, const char *brief, const char *full)
{
	return strcmp(arg, brief) == 0 || strcmp(arg, full) == 0;
}

int
program(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		fputs(help, stderr);
		return STATUS_USAGE;
	}
	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].main(argc - 1, argv + 1);
	if (is_option(argv[1], "-h", "--help"))
		return print("%s", help);
	if (is_option(argv[1], "-V", "--version"))
		return print("ipclock (libipclock) %s\n", ipclock_version());
	return wrong("there is no verb '%s'; to run a command under a lock: "
	    "ipclock run [OPTION...] FILE COMMAND [ARG...]", argv[1]);
}
