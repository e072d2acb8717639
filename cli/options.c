/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The command line of `ipclock run`: that of flock(1), and more. */

#include <string.h>

#include "child.h"
#include "parse.h"

#define REDIS_LEASE_MS 10000

static const char help[] =
    "Usage: ipclock run [OPTION...] FILE COMMAND [ARG...]\n"
    "       ipclock run [OPTION...] FILE -c STRING\n"
    "       ipclock run [OPTION...] NUMBER\n"
    "       ipclock run --redis URL [OPTION...] NAME COMMAND [ARG...]\n"
    "\n"
    "Runs COMMAND, or STRING by the shell, under a lock on FILE, which is made if it\n"
    "is not there; or locks the shell's descriptor NUMBER.\n"
    "\n"
    "  -x, -e, --exclusive           for writing: nobody else holds it (default)\n"
    "  -s, --shared, -r, --read      for reading: other readers may hold it too\n"
    "  -u, --unlock                  release what the descriptor holds\n"
    "  -j, --jobs N                  at most N at once; COMMAND finds IPCLOCK_SLOT\n"
    "      --soft                    FILE is the lock while it exists: right on NFS\n"
    "      --redis URL               the lock NAME on a server, which is a lease;\n"
    "                                IPCLOCK_TOKEN tells COMMAND its fencing token\n"
    "      --lease SECS              with --soft, --redis (10): lost if not renewed\n"
    "      --pidfile                 FILE tells COMMAND's pid, and only one runs\n"
    "      --unlink                  remove FILE afterwards; implies -o\n"
    "  -n, --nb, --nonblock[ing]     do not wait\n"
    "  -w, --wait, --timeout SECS    wait no longer than that; 0 is -n\n"
    "  -E, --conflict-exit-code N    exit status if held or timed out: 0-255 (1)\n"
    "  -o, --close                   the command does not get the lock's descriptor\n"
    "  -F, --no-fork                 become the command (default, unless -o)\n"
    "  -c, --command STRING          after FILE: run STRING by $SHELL, or /bin/sh\n"
    "      --slot N                  which of the file's locks: 0-2097151 (0)\n"
    "      --fcntl                   a plain lock on the whole file\n"
    "      --protocol range|flock    family of locks (range): neither sees the other\n"
    "      --unfair                  do not stand in line\n"
    "      --poll                    wait by trying again, not in the kernel's queue\n"
    "      --delay SECS              first pause between two tries (0.01), and growth\n"
    "      --max-delay SECS          longest pause (0.1)\n"
    "      --verbose                 say how long it took, what is run, and why not\n"
    "  -h, --help                    this help\n"
    "  -V, --version                 the version\n"
    "\n"
    "Exit status: the command's; 1 or -E held or timed out, 64 usage, 65 cannot lock,\n"
    "66 cannot open, 69 cannot execute, 71 out of resources, 73 cannot create,\n"
    "74 cannot write; see 'ipclock help exit'.\n";

static const struct option long_options[] = {
	{ "shared", no_argument, NULL, 's' },
	{ "read", no_argument, NULL, 's' },
	{ "exclusive", no_argument, NULL, 'x' },
	{ "unlock", no_argument, NULL, 'u' },
	WAIT_OPTIONS,
	{ "close", no_argument, NULL, 'o' },
	{ "no-fork", no_argument, NULL, 'F' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "fcntl", no_argument, NULL, OPT_FCNTL },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "delay", required_argument, NULL, OPT_DELAY },
	{ "max-delay", required_argument, NULL, OPT_MAX_DELAY },
	{ "slot", required_argument, NULL, OPT_SLOT },
	{ "unfair", no_argument, NULL, OPT_UNFAIR },
	{ "poll", no_argument, NULL, OPT_POLL },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "soft", no_argument, NULL, OPT_SOFT },
	{ "lease", required_argument, NULL, OPT_LEASE },
	{ "pidfile", no_argument, NULL, OPT_PIDFILE },
	{ "unlink", no_argument, NULL, OPT_UNLINK },
	{ "redis", required_argument, NULL, OPT_REDIS },
	COMMON_OPTIONS
};

/* ---- what excludes what ---- */

enum {
	READ = 1 << 0,
	UNLOCK = 1 << 1,
	JOBS = 1 << 2,
	SOFT = 1 << 3,
	LEASE = 1 << 4,
	PIDFILE = 1 << 5,
	UNLINK = 1 << 6,
	SLOT = 1 << 7,
	WHOLE_FILE = 1 << 8,
	FLOCK = 1 << 9,
	CLOSE = 1 << 10,
	NO_FORK = 1 << 11,
	UNFAIR = 1 << 12,
	POLL = 1 << 13,
	WAIT = 1 << 14,
	DESCRIPTOR = 1 << 15,
	REDIS = 1 << 16,
};

static const char *const names[] = {
	"--shared", "--unlock", "--jobs", "--soft", "--lease", "--pidfile", "--unlink", "--slot", "--fcntl",
	"--protocol flock", "--close", "--no-fork", "--unfair", "--poll", "--wait", "the number of a descriptor",
	"--redis",
};

/* A lock that is no rw lock has neither readers nor what belongs to ranges. */
#define OF_LOCKS (READ | UNLOCK | WHOLE_FILE | FLOCK | UNLINK | DESCRIPTOR)

static const struct {
	unsigned option;
	unsigned excludes;
} rules[] = {
	{ CLOSE, NO_FORK },
	{ WHOLE_FILE, SLOT | FLOCK },
	{ FLOCK, SLOT },
	{ JOBS, OF_LOCKS | SOFT | PIDFILE },
	{ SOFT, OF_LOCKS | PIDFILE | SLOT | UNFAIR | POLL | NO_FORK },
	{ PIDFILE, OF_LOCKS | SLOT | UNFAIR | POLL | CLOSE | WAIT },
	{ REDIS, UNLOCK | JOBS | SOFT | PIDFILE | UNLINK | SLOT | WHOLE_FILE | FLOCK | NO_FORK | UNFAIR | POLL | DESCRIPTOR },
	{ UNLINK, UNLOCK | DESCRIPTOR | NO_FORK | WHOLE_FILE | FLOCK },
};

static unsigned
given(const struct options *o)
{
	return (o->mode == MODE_READ ? READ : 0) | (o->mode == MODE_UNLOCK ? UNLOCK : 0) | (o->jobs ? JOBS : 0) |
	    (o->soft ? SOFT : 0) | (o->lease_ms ? LEASE : 0) | (o->pidfile ? PIDFILE : 0) | (o->unlink ? UNLINK : 0) |
	    (o->slot >= 0 ? SLOT : 0) | (o->whole_file ? WHOLE_FILE : 0) | (o->protocol == IPCLOCK_FLOCK ? FLOCK : 0) |
	    (o->close ? CLOSE : 0) | (o->no_fork ? NO_FORK : 0) | (o->unfair ? UNFAIR : 0) | (o->poll ? POLL : 0) |
	    (o->timeout_ms > 0 ? WAIT : 0) | (o->file == NULL ? DESCRIPTOR : 0) | (o->redis != NULL ? REDIS : 0);
}

static const char *
first_name(unsigned options)
{
	int i = 0;

	for (; !(options & 1); options >>= 1)
		i++;
	return names[i];
}

static int
check(struct options *o)
{
	unsigned all = given(o);
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (all & rules[i].option && all & rules[i].excludes)
			return wrong("%s and %s exclude each other", first_name(rules[i].option),
			    first_name(all & rules[i].excludes));
	if (all & LEASE && !(all & (SOFT | REDIS)))
		return wrong("--lease wants --soft or --redis");
	if (all & JOBS && o->slot > LAST_SEMAPHORE)
		return wrong("--slot: with --jobs the last is %d", LAST_SEMAPHORE);
	if (o->try_once || o->pidfile)
		o->timeout_ms = 0;
	if (o->redis && o->lease_ms == 0)
		o->lease_ms = REDIS_LEASE_MS;
	o->close = o->close || o->soft || o->unlink || o->redis; /* we are there when the command has ended */
	return GO_ON;
}

/* ---- one by one ---- */

static int
take_value(struct options *o, int opt, const char *text)
{
	switch (opt) {
	case 'j':
		return take_number("--jobs", text, 1, (int)IPCLOCK_SEM_MOST, &o->jobs);
	case OPT_DELAY:
		o->paced = true;
		return take_seconds("--delay", text, 1, &o->step_ms);
	case OPT_MAX_DELAY:
		o->paced = true;
		return take_seconds("--max-delay", text, 0, &o->max_ms);
	case OPT_SLOT:
		return take_number("--slot", text, 0, LAST_SLOT, &o->slot);
	case OPT_LEASE:
		return take_seconds("--lease", text, 1, &o->lease_ms);
	case OPT_PROTOCOL:
		return take_protocol(text, &o->protocol);
	case OPT_REDIS:
		o->redis = text;
		return GO_ON;
	default:
		return take_wait(o, opt, text);
	}
}

/* Where a flag is kept, or NULL: an option with a value, or a mode. */
static bool *
flag_of(struct options *o, int opt)
{
	switch (opt) {
	case 'o':
		return &o->close;
	case 'F':
		return &o->no_fork;
	case OPT_FCNTL:
		return &o->whole_file;
	case OPT_VERBOSE:
		return &o->verbose;
	case OPT_UNFAIR:
		return &o->unfair;
	case OPT_POLL:
		return &o->poll;
	case OPT_SOFT:
		return &o->soft;
	case OPT_PIDFILE:
		return &o->pidfile;
	case OPT_UNLINK:
		return &o->unlink;
	default:
		return NULL;
	}
}

static int
take_option(void *ctx, int opt, const char *text)
{
	struct options *o = ctx;
	bool *flag = flag_of(o, opt);

	if (flag != NULL)
		*flag = true;
	else if (opt == 'r' || opt == 's')
		o->mode = MODE_READ;
	else if (opt == 'e' || opt == 'x')
		o->mode = MODE_WRITE;
	else if (opt == 'u')
		o->mode = MODE_UNLOCK;
	else
		return take_value(o, opt, text);
	return GO_ON;
}

static int
take_string(struct options *o, char **args, int n)
{
	if (n != 2)
		return wrong("%s wants one string, and nothing after it", args[0]);
	o->command = child_shell(args[1]);
	return GO_ON;
}

/* FILE COMMAND..., FILE -c STRING, or NUMBER; with --redis a name in place of FILE. */
static int
take_operands(struct options *o, char **args, int n)
{
	if (o->redis != NULL && n < 2)
		return wrong("--redis: a name and a command are wanted after the URL; 'ipclock run --help' tells more");
	if (n == 0)
		return wrong("a file and a command, or the number of a descriptor, is missing; "
		    "'ipclock run --help' tells more");
	if (n == 1) {
		if (number_parse(args[0], INT_MAX, &o->fd))
			return GO_ON;
		return wrong("there is no command to run under a lock on '%s', and it is no descriptor's number", args[0]);
	}
	if (strcmp(args[1], "--") == 0)
		return wrong("'--' ends the options: it stands before '%s', not after it", args[0]);
	o->file = args[0];
	if (strcmp(args[1], "-c") == 0 || strcmp(args[1], "--command") == 0)
		return take_string(o, args + 1, n - 1);
	o->command = args + 1;
	return GO_ON;
}

void
options_init(struct options *o)
{
	*o = (struct options){
		.mode = MODE_WRITE,
		.timeout_ms = IPCLOCK_FOREVER,
		.conflict_status = STATUS_CONFLICT,
		.step_ms = 10,
		.max_ms = 100,
		.protocol = IPCLOCK_RANGE,
		.slot = -1,
	};
}

int
options_parse(struct options *o, int argc, char **argv)
{
	static const struct syntax syntax = { "run", help, "+srxeunw:E:oFj:hV", long_options, take_option };
	int status;

	options_init(o);
	status = parse(&syntax, o, argc, argv);
	if (status == GO_ON)
		status = take_operands(o, argv + optind, argc - optind);
	return status == GO_ON ? check(o) : status;
}
