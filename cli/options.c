/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The command line of `ipclock run`: that of flock(1), and more. */

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define SLOTS 2097152 /* of a file: ipclock_attr_set_slot() */

enum {
	OPT_FCNTL = CHAR_MAX + 1,
	OPT_VERBOSE,
	OPT_DELAY,
	OPT_MAX_DELAY,
	OPT_SLOT,
	OPT_UNFAIR,
	OPT_POLL,
	OPT_PROTOCOL,
};

static const char short_options[] = "+srxeunw:E:oFhV";

static const struct option long_options[] = {
	{ "shared", no_argument, NULL, 's' },
	{ "read", no_argument, NULL, 's' },
	{ "exclusive", no_argument, NULL, 'x' },
	{ "unlock", no_argument, NULL, 'u' },
	{ "nonblock", no_argument, NULL, 'n' },
	{ "nonblocking", no_argument, NULL, 'n' },
	{ "nb", no_argument, NULL, 'n' },
	{ "wait", required_argument, NULL, 'w' },
	{ "timeout", required_argument, NULL, 'w' },
	{ "conflict-exit-code", required_argument, NULL, 'E' },
	{ "close", no_argument, NULL, 'o' },
	{ "no-fork", no_argument, NULL, 'F' },
	{ "fcntl", no_argument, NULL, OPT_FCNTL },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "delay", required_argument, NULL, OPT_DELAY },
	{ "max-delay", required_argument, NULL, OPT_MAX_DELAY },
	{ "slot", required_argument, NULL, OPT_SLOT },
	{ "unfair", no_argument, NULL, OPT_UNFAIR },
	{ "poll", no_argument, NULL, OPT_POLL },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
    "Usage: ipclock run [OPTION...] FILE COMMAND [ARG...]\n"
    "       ipclock run [OPTION...] FILE -c STRING\n"
    "       ipclock run [OPTION...] NUMBER\n"
    "\n"
    "Runs COMMAND, or STRING by the shell, under a lock on FILE, which is made if it\n"
    "is not there; or locks the shell's descriptor NUMBER.\n"
    "\n"
    "  -x, -e, --exclusive           for writing: nobody else holds it (default)\n"
    "  -s, --shared, -r, --read      for reading: other readers may hold it too\n"
    "  -u, --unlock                  release what the descriptor holds\n"
    "  -n, --nonblock, --nb          do not wait\n"
    "  -w, --wait, --timeout SECS    wait no longer than that; 0 is -n\n"
    "  -E, --conflict-exit-code N    exit status if it is held or timed out: 0-255, or 1\n"
    "  -o, --close                   the command does not get the lock's descriptor\n"
    "  -F, --no-fork                 become the command (default, but with -o)\n"
    "  -c, --command STRING          after FILE: run STRING by $SHELL, or /bin/sh\n"
    "      --slot N                  which of the file's locks: 0-2097151, or 0\n"
    "      --fcntl                   a plain lock on the whole file\n"
    "      --protocol range|flock    the family of locks (range); they do not see each other\n"
    "      --unfair                  do not stand in line\n"
    "      --poll                    wait by asking again, not in the kernel's queue\n"
    "      --delay SECS              first pause between two asks (0.01), and its growth\n"
    "      --max-delay SECS          longest pause (0.1)\n"
    "      --verbose                 say how long it took, what is run, and why not\n"
    "  -h, --help                    this help\n"
    "  -V, --version                 the version\n"
    "\n"
    "Exit status: the command's; 1 or -E held or timed out, 64 usage, 65 cannot lock,\n"
    "66 cannot open, 69 cannot execute, 71 out of resources, 73 cannot create.\n";

static int
try_help(void)
{
	complain("'ipclock run --help' tells more");
	return STATUS_USAGE;
}

static int
take_seconds(const char *name, const char *text, int min_ms, int *ms)
{
	if (number_parse_seconds(text, ms) && *ms >= min_ms)
		return GO_ON;
	complain("%s: '%s' is no number of seconds from %s to %d", name, text, min_ms ? "0.001" : "0", INT_MAX / 1000);
	return STATUS_USAGE;
}

static int
take_number(const char *name, const char *text, int max, int *value)
{
	if (number_parse(text, max, value))
		return GO_ON;
	complain("%s: '%s' is no number from 0 to %d", name, text, max);
	return STATUS_USAGE;
}

static int
take_protocol(const char *text, int *protocol)
{
	if (strcmp(text, "range") == 0)
		*protocol = IPCLOCK_RANGE;
	else if (strcmp(text, "flock") == 0)
		*protocol = IPCLOCK_FLOCK;
	else {
		complain("--protocol: '%s' is neither range nor flock", text);
		return STATUS_USAGE;
	}
	return GO_ON;
}

static int
take_value(struct options *o, int opt, const char *text)
{
	switch (opt) {
	case 'w':
		return take_seconds("--wait", text, 0, &o->timeout_ms);
	case 'E':
		return take_number("--conflict-exit-code", text, 255, &o->conflict_status);
	case OPT_DELAY:
		return take_seconds("--delay", text, 1, &o->step_ms);
	case OPT_MAX_DELAY:
		return take_seconds("--max-delay", text, 0, &o->max_ms);
	case OPT_SLOT:
		return take_number("--slot", text, SLOTS - 1, &o->slot);
	case OPT_PROTOCOL:
		return take_protocol(text, &o->protocol);
	case 'h':
		return print("%s", help);
	case 'V':
		return print("ipclock (libipclock) %s\n", ipclock_version());
	default: /* getopt_long() has said what is wrong */
		return try_help();
	}
}

static int
take_option(struct options *o, int opt, const char *text)
{
	switch (opt) {
	case 'r':
	case 's':
		o->mode = MODE_READ;
		break;
	case 'e':
	case 'x':
		o->mode = MODE_WRITE;
		break;
	case 'u':
		o->mode = MODE_UNLOCK;
		break;
	case 'n':
		o->try_once = true;
		break;
	case 'o':
		o->close = true;
		break;
	case 'F':
		o->no_fork = true;
		break;
	case OPT_FCNTL:
		o->whole_file = true;
		break;
	case OPT_VERBOSE:
		o->verbose = true;
		break;
	case OPT_UNFAIR:
		o->unfair = true;
		break;
	case OPT_POLL:
		o->poll = true;
		break;
	default:
		return take_value(o, opt, text);
	}
	return GO_ON;
}

static int
check(struct options *o)
{
	const char *wrong = NULL;

	if (o->close && o->no_fork)
		wrong = "--close and --no-fork exclude each other";
	else if (o->whole_file && o->slot >= 0)
		wrong = "--fcntl and --slot exclude each other: --fcntl is the whole file";
	else if (o->whole_file && o->protocol != IPCLOCK_RANGE)
		wrong = "--fcntl and --protocol flock exclude each other";
	if (o->try_once)
		o->timeout_ms = 0;
	if (wrong == NULL)
		return GO_ON;
	complain("%s", wrong);
	return STATUS_USAGE;
}

/* The shell that flock(1) would run. */
static char *
shell(void)
{
	static char sh[] = "/bin/sh";
	char *path = getenv("SHELL");

	return path != NULL && *path != '\0' ? path : sh;
}

static int
take_string(struct options *o, char **args, int n)
{
	static char dash_c[] = "-c";

	if (n != 2) {
		complain("%s wants one string, and nothing behind it", args[0]);
		return STATUS_USAGE;
	}
	o->shell[0] = shell();
	o->shell[1] = dash_c;
	o->shell[2] = args[1];
	o->shell[3] = NULL;
	o->command = o->shell;
	return GO_ON;
}

/* FILE COMMAND..., FILE -c STRING, or NUMBER. */
static int
take_operands(struct options *o, char **args, int n)
{
	if (n == 0) {
		complain("a file and a command, or the number of a descriptor, is missing");
		return try_help();
	}
	if (n == 1) {
		if (number_parse(args[0], INT_MAX, &o->fd))
			return GO_ON;
		complain("'%s' is no descriptor, and there is no command to run under a lock on a file", args[0]);
		return STATUS_USAGE;
	}
	o->file = args[0];
	if (strcmp(args[1], "-c") == 0 || strcmp(args[1], "--command") == 0)
		return take_string(o, args + 1, n - 1);
	o->command = args + 1;
	return GO_ON;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	static char name[] = "ipclock";
	int opt, status;

	*o = (struct options){
		.mode = MODE_WRITE,
		.timeout_ms = IPCLOCK_FOREVER,
		.conflict_status = STATUS_CONFLICT,
		.step_ms = 10,
		.max_ms = 100,
		.protocol = IPCLOCK_RANGE,
		.slot = -1,
	};
	argv[0] = name; /* getopt_long() names it in messages */
	while ((opt = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		status = take_option(o, opt, optarg);
		if (status != GO_ON)
			return status;
	}
	status = check(o);
	return status == GO_ON ? take_operands(o, argv + optind, argc - optind) : status;
}
