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
    "       ipclock help [VERB | exit]\n"
    "       ipclock --help | --version\n"
    "\n"
    "Locks between processes, for shell scripts.\n"
    "\n"
    "  run    run a command, or go on, under a lock on a file\n"
    "  put    replace a file by the standard input, all of it or not at all\n"
    "  who    tell who holds the lock on a file, and who waits for it\n"
    "  probe  try whether locking works in a directory\n"
    "  help   list the options of a verb, as VERB --help does, or exit statuses\n"
    "\n"
    "  -h, --help     this help\n"
    "  -V, --version  the version\n"
    "\n"
    "The manual is ipclock(1).\n";

static const char statuses[] =
    "The exit status of 'ipclock run' is that of the command, if it was run; with -o,\n"
    "--soft, --redis and --unlink 128 + N if signal N killed it.  Otherwise:\n"
    "\n"
    "   0  run NUMBER   the descriptor is locked, or unlocked\n"
    "      put          FILE was replaced\n"
    "      who          the lock is held, or waited for\n"
    "      probe        locks exclude, and are free when their holder has died\n"
    "   1  run, put     held by another, or timed out; -E chooses another status\n"
    "      put --new    FILE is there; -E chooses another status\n"
    "      who          nobody holds the lock or waits for it\n"
    "      probe        locks do not work in DIR\n"
    "  64  all          wrong usage\n"
    "  65  run, put     the file or descriptor cannot be locked\n"
    "      run          the lock was lost while the command ran\n"
    "      who          this system does not tell\n"
    "  66  run, put     the lock file cannot be opened, or the server not reached\n"
    "      put          FILE cannot be replaced, or its directory is not there\n"
    "      who, probe   FILE, DIR or server is not there, or cannot be looked at\n"
    "  69  run          the command cannot be executed\n"
    "  71  all          no memory, descriptors, locks or processes left\n"
    "  73  run, put     read-only file system, or no space left\n"
    "      put, probe   nothing can be made in the directory\n"
    "  74  all          the standard output cannot be written\n"
    "      run          the pid file cannot be written\n"
    "      put          the input cannot be read, or FILE cannot be written\n";

static int help_main(int argc, char **argv);

static const struct verb {
	const char *name;
	int (*main)(int argc, char **argv);
} verbs[] = {
	{ "help", help_main },
	{ "probe", probe_main },
	{ "put", put_main },
	{ "run", run_main },
	{ "who", who_main },
};

static void tell(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

static void
tell(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	text_write(stderr, format, ap);
	va_end(ap);
}

/* With names of files, whose bytes are anybody's. */
static void
vcomplain(const char *format, va_list ap)
{
	char text[8192];

	vsnprintf(text, sizeof(text), format, ap);
	text_make_plain(text);
	tell("ipclock: %s\n", text);
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
	complain("cannot write to the standard output");
	return STATUS_IO;
}

static bool
is_option(const char *arg, const char *brief, const char *full)
{
	return strcmp(arg, brief) == 0 || strcmp(arg, full) == 0;
}

static const struct verb *
find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

/* `ipclock help VERB` is `ipclock VERB --help`. */
static int
help_main(int argc, char **argv)
{
	static char option[] = "--help";
	char *args[] = { argv[1], option, NULL };
	const struct verb *verb;

	if (argc == 1 || is_option(argv[1], "-h", "--help"))
		return print("%s", help);
	if (argc > 2)
		return wrong("one verb at a time; 'ipclock --help' names them");
	if (strcmp(argv[1], "exit") == 0)
		return print("%s", statuses);
	verb = find_verb(argv[1]);
	return verb != NULL ? verb->main(2, args) :
	    wrong("there is no help on '%s'; 'ipclock --help' names the verbs", argv[1]);
}

int
program(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		fputs(help, stderr);
		return STATUS_USAGE;
	}
	verb = find_verb(argv[1]);
	if (verb != NULL)
		return verb->main(argc - 1, argv + 1);
	if (is_option(argv[1], "-h", "--help"))
		return print("%s", help);
	if (is_option(argv[1], "-V", "--version"))
		return print("ipclock (libipclock) %s\n", ipclock_version());
	return wrong("there is no verb '%s'; 'ipclock --help' names them; to run a command under a lock: "
	    "ipclock run FILE COMMAND", argv[1]);
}
