/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* `ipclock who`: who holds a lock and who waits for it, for people and for programs. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"

struct request {
	const char *file;
	const char *redis; /* URL: file is a name there */
	int slot; /* -1: not given */
	int protocol;
	bool whole_file;
	bool soft;
	bool json;
	bool semaphore; /* whose holders are told now */
	int told; /* so far */
};

static const struct option long_options[] = {
	{ "slot", required_argument, NULL, OPT_SLOT },
	{ "fcntl", no_argument, NULL, OPT_FCNTL },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "soft", no_argument, NULL, OPT_SOFT },
	{ "redis", required_argument, NULL, OPT_REDIS },
	COMMON_OPTIONS
};

static const char help[] =
    "Usage: ipclock who [OPTION...] FILE\n"
    "       ipclock who --soft [--json] FILE\n"
    "       ipclock who --redis URL [--json] NAME\n"
    "\n"
    "Tells who holds the lock on FILE, or a slot of its semaphore (run -j), and who\n"
    "waits for it in which place.\n"
    "\n"
    "      --slot N                  which of the file's locks: 0-2097151 (0)\n"
    "      --fcntl                   plain locks on any byte of the file\n"
    "      --protocol range|flock    the family of locks (range)\n"
    "      --soft                    FILE is the lock while it exists: PID, HOST and\n"
    "                                STATE of its owner: alive, dead or unknown\n"
    "      --redis URL               the lock NAME on a server, by CLIENT, not PID\n"
    "      --json                    an array of objects, for programs\n"
    "  -h, --help                    this help\n"
    "  -V, --version                 the version\n"
    "\n"
    "A process that is not to be known has no PID: -, in JSON null.\n"
    "Exit status: 0 held, 1 free, 64 usage, 65 cannot be told, 66 no such file,\n"
    "71 out of resources, 74 cannot write.\n";

/* ---- the command line ---- */

static int
take_option(void *ctx, int opt, const char *text)
{
	struct request *r = ctx;

	switch (opt) {
	case OPT_SLOT:
		return take_number("--slot", text, 0, LAST_SLOT, &r->slot);
	case OPT_PROTOCOL:
		return take_protocol(text, &r->protocol);
	case OPT_FCNTL:
		r->whole_file = true;
		break;
	case OPT_SOFT:
		r->soft = true;
		break;
	case OPT_REDIS:
		r->redis = text;
		break;
	default:
		r->json = true;
	}
	return GO_ON;
}

static int
check(const struct request *r, int operands)
{
	if (operands != 1)
		return wrong("one %s is wanted; 'ipclock who --help' tells more", r->redis ? "name" : "file");
	if (r->redis && (r->whole_file || r->slot >= 0 || r->protocol == IPCLOCK_FLOCK || r->soft))
		return wrong("--redis is no lock of a file: no --fcntl, no --slot, no --protocol flock, no --soft");
	if (r->soft && (r->whole_file || r->slot >= 0 || r->protocol == IPCLOCK_FLOCK))
		return wrong("--soft is none of the kernel's locks: no --fcntl, no --slot, no --protocol flock");
	if (r->whole_file && r->slot >= 0)
		return wrong("--fcntl and --slot exclude each other: --fcntl is the whole file");
	if (r->protocol == IPCLOCK_FLOCK && (r->whole_file || r->slot >= 0))
		return wrong("--protocol flock is the whole file: no --fcntl, no --slot");
	return GO_ON;
}

static int
parse_request(struct request *r, int argc, char **argv)
{
	static const struct syntax syntax = { "who", help, "hV", long_options, take_option };
	int status;

	*r = (struct request){ .slot = -1, .protocol = IPCLOCK_RANGE };
	status = parse(&syntax, r, argc, argv);
	if (status != GO_ON)
		return status;
	r->file = argv[optind];
	return check(r, argc - optind);
}

static int
make_attr(struct ipclock_attr **attr, const struct request *r)
{
	int error = ipclock_attr_new(attr);

	if (error != 0) {
		complain("%s", ipclock_strerror(error));
		return STATUS_SYSTEM;
	}
	ipclock_attr_set_protocol(*attr, r->protocol);
	if (r->slot >= 0)
		ipclock_attr_set_slot(*attr, (unsigned)r->slot);
	if (r->whole_file)
		ipclock_attr_set_range(*attr, 0, 0);
	return 0;
}

/* ---- telling ---- */

static const char *
mode_of(const struct ipclock_holder *holder)
{
	return ipclock_holder_writes(holder) ? "write" : "read";
}

/* A process chooses its name: no control characters for a terminal. */
static int
tell_row(void *ctx, const struct ipclock_holder *holder)
{
	const char *command = ipclock_holder_command(holder);
	struct request *r = ctx;
	char pid[32] = "-", name[64], state[48] = "holds";

	if (r->told++ == 0)
		say("%-8s %-16s %-6s %s\n", "PID", "COMMAND", "MODE", "STATE");
	if (ipclock_holder_pid(holder))
		snprintf(pid, sizeof(pid), "%ld", ipclock_holder_pid(holder));
	if (ipclock_holder_place(holder))
		snprintf(state, sizeof(state), "place %d%s", ipclock_holder_place(holder),
		    r->semaphore ? " for a slot" : "");
	else if (r->semaphore)
		snprintf(state, sizeof(state), "holds slot %u", ipclock_holder_slot(holder));
	snprintf(name, sizeof(name), "%s", command != NULL ? command : "-");
	text_make_plain(name);
	say("%-8s %-16s %-6s %s\n", pid, name, mode_of(holder), state);
	return 0;
}

static void
tell_string(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	int n;

	for (say("\""); *s != '\0'; s += n ? n : 1) {
		n = text_character(s);
		if (n == 0)
			say("\\ufffd");
		else if (*s < ' ' || *s == '\177')
			say("\\u%04x", *s);
		else
			say("%s%.*s", *s == '"' || *s == '\\' ? "\\" : "", n, (const char *)s);
	}
	say("\"");
}

static int
tell_object(void *ctx, const struct ipclock_holder *holder)
{
	const char *command = ipclock_holder_command(holder);
	struct request *r = ctx;
	int place = ipclock_holder_place(holder);

	say("%s\n  {\"pid\": ", r->told++ == 0 ? "[" : ",");
	if (ipclock_holder_pid(holder))
		say("%ld", ipclock_holder_pid(holder));
	else
		say("null");
	say(", \"command\": ");
	if (command != NULL)
		tell_string(command);
	else
		say("null");
	say(", \"mode\": \"%s\", \"state\": \"%s\", \"place\": %d, \"protocol\": \"%s\", \"slot\": ",
	    mode_of(holder), place ? "waits" : "holds", place,
	    r->semaphore ? "semaphore" : ipclock_holder_protocol(holder) == IPCLOCK_FLOCK ? "flock" : "range");
	if (r->whole_file || r->protocol == IPCLOCK_FLOCK || (r->semaphore && place))
		say("null}");
	else
		say("%u}", ipclock_holder_slot(holder));
	return 0;
}

/* The slots of a semaphore are bytes of the file, too: whoever uses it as one is told after its lock. */
static int
tell_all(struct request *r, const struct ipclock_attr *attr)
{
	int (*tell)(void *, const struct ipclock_holder *) = r->json ? tell_object : tell_row;
	int error = ipclock_holders(r->file, attr, tell, r);

	if (error != 0 || r->whole_file || r->protocol == IPCLOCK_FLOCK || r->slot > LAST_SEMAPHORE)
		return error;
	r->semaphore = true;
	return ipclock_sem_holders(r->file, attr, tell, r);
}

/* ---- the marker of a soft lock ---- */

static void
tell_owner(const struct request *r, const struct ipclock_owner *owner)
{
	static const char *const states[] = {
		[IPCLOCK_OWNER_UNKNOWN] = "unknown",
		[IPCLOCK_OWNER_ALIVE] = "alive",
		[IPCLOCK_OWNER_DEAD] = "dead",
	};
	const char *host = ipclock_owner_host(owner), *state = states[ipclock_owner_state(owner)];
	char pid[32] = "";

	if (ipclock_owner_pid(owner))
		snprintf(pid, sizeof(pid), "%ld", ipclock_owner_pid(owner));
	if (!r->json) {
		say("%-8s %-20s %s\n", "PID", "HOST", "STATE");
		say("%-8s %-20s %s\n", *pid ? pid : "-", host != NULL ? host : "-", state);
		return;
	}
	say("[\n  {\"pid\": %s, \"host\": ", *pid ? pid : "null");
	if (host != NULL)
		tell_string(host);
	else
		say("null");
	say(", \"state\": \"%s\"}\n]\n", state);
}

static int
who_soft(const struct request *r)
{
	struct ipclock_owner *owner = NULL;
	struct ipclock_soft *soft;
	int status, error = ipclock_soft_open(&soft, r->file, NULL);

	if (error == 0)
		error = ipclock_soft_owner(soft, &owner);
	if (error == 0)
		tell_owner(r, owner);
	else if (error == ENOENT && r->json)
		say("[]\n");
	else if (error != ENOENT)
		complain("%s", ipclock_message(NULL));
	ipclock_owner_free(owner);
	ipclock_soft_close(soft);
	if (error != 0 && error != ENOENT)
		return status_of(error, STATUS_OPEN);
	status = print("%s", "");
	return status ? status : error == ENOENT;
}

int
who_main(int argc, char **argv)
{
	struct ipclock_attr *attr;
	struct request r;
	int error, status = parse_request(&r, argc, argv);

	if (status == GO_ON && r.redis)
		return who_redis(r.redis, r.file, r.json);
	if (status == GO_ON && r.soft)
		return who_soft(&r);
	if (status == GO_ON)
		status = make_attr(&attr, &r);
	else
		return status;
	if (status != 0)
		return status;
	error = tell_all(&r, attr);
	ipclock_attr_free(attr);
	if (r.json && (r.told || error == 0))
		say("%s", r.told ? "\n]\n" : "[]\n");
	if (error != 0) {
		complain("%s", ipclock_message(NULL));
		return status_of(error, error == ENOTSUP ? STATUS_LOCK : STATUS_OPEN);
	}
	status = print("%s", "");
	return status ? status : r.told == 0;
}
