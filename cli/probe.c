/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* `ipclock probe`: does locking work in this directory? */

#include <errno.h>

#include "parse.h"
#include "signals.h"

#define STATUS_DOES_NOT_WORK 1

static const char help[] =
    "Usage: ipclock probe [--json] DIR\n"
    "\n"
    "Tries in DIR, with processes of its own, whether locking works there, and says\n"
    "what holds.  It takes under 5 seconds and leaves nothing behind.\n"
    "\n"
    "      --json     for programs\n"
    "  -h, --help     this help\n"
    "  -V, --version  the version\n"
    "\n"
    "Exit status: 0 locks exclude and are freed by death, 1 they do not, 64 usage,\n"
    "66 no such directory, 71 out of resources, 73 nothing can be made there,\n"
    "74 cannot write.\n";

static const char *
protocol_of(const struct ipclock_probe *probe, unsigned trial)
{
	switch (ipclock_probe_trial_protocol(probe, trial)) {
	case IPCLOCK_RANGE:
		return "range";
	case IPCLOCK_FLOCK:
		return "flock";
	default:
		return "file";
	}
}

static const char *
result_of(const struct ipclock_probe *probe, unsigned trial)
{
	switch (ipclock_probe_trial_result(probe, trial)) {
	case 0:
		return "holds";
	case EBADMSG:
		return "does not hold";
	case ENOTSUP:
		return "not supported";
	case ETIMEDOUT:
		return "no answer";
	default:
		return "error";
	}
}

static int
print_table(const struct ipclock_probe *probe, const char *dir)
{
	unsigned i, n = ipclock_probe_trials(probe);
	int status = print("%s is on %s\n\n", dir, ipclock_probe_filesystem(probe));

	for (i = 0; i < n && status == 0; i++)
		status = print("%-6s %-11s %-14s %s\n", protocol_of(probe, i), ipclock_probe_trial_name(probe, i),
		    result_of(probe, i), ipclock_probe_trial_detail(probe, i));
	if (status == 0)
		status = print("\nlocks by ipclock %s here\n", ipclock_probe_works(probe) ? "work" : "DO NOT WORK");
	return status;
}

/* No text of the library's wants escaping: none has a quote, a backslash or a control character. */
static int
print_json(const struct ipclock_probe *probe)
{
	unsigned i, n = ipclock_probe_trials(probe);
	int status = print("{\n  \"filesystem\": \"%s\",\n  \"works\": %s,\n  \"trials\": [\n",
	    ipclock_probe_filesystem(probe), ipclock_probe_works(probe) ? "true" : "false");

	for (i = 0; i < n && status == 0; i++)
		status = print("    { \"protocol\": \"%s\", \"name\": \"%s\", \"result\": \"%s\", \"errno\": %d, "
		    "\"detail\": \"%s\" }%s\n", protocol_of(probe, i), ipclock_probe_trial_name(probe, i),
		    result_of(probe, i), ipclock_probe_trial_result(probe, i), ipclock_probe_trial_detail(probe, i),
		    i + 1 < n ? "," : "");
	return status ? status : print("  ]\n}\n");
}

/* A signal to end comes through when everything has been removed. */
static int
probe_undisturbed(const char *dir, struct ipclock_probe **probe)
{
	int error;

	signals_defer();
	error = ipclock_probe(dir, probe);
	signals_undefer();
	return error;
}

static int
probe_and_print(const char *dir, bool json)
{
	struct ipclock_probe *probe;
	int status, error = probe_undisturbed(dir, &probe);

	if (error) {
		complain("%s: %s", *dir ? dir : "''", error == EINVAL ? "not a directory" :
		    error == ENOTSUP ? "this system cannot be probed" : ipclock_strerror(error));
		return status_of_making(error, STATUS_SYSTEM);
	}
	status = json ? print_json(probe) : print_table(probe, dir);
	if (status == 0 && !ipclock_probe_works(probe))
		status = STATUS_DOES_NOT_WORK;
	ipclock_probe_free(probe);
	return status;
}

static int
take_option(void *json, int opt, const char *text)
{
	(void)opt;
	(void)text;
	*(bool *)json = true;
	return GO_ON;
}

int
probe_main(int argc, char **argv)
{
	static const struct option names[] = { { "json", no_argument, NULL, OPT_JSON }, COMMON_OPTIONS };
	static const struct syntax syntax = { "probe", help, "hV", names, take_option };
	bool json = false;
	int status = parse(&syntax, &json, argc, argv);

	if (status != GO_ON)
		return status;
	if (argc - optind != 1)
		return wrong("%s; 'ipclock probe --help' tells more",
		    argc == optind ? "a directory is missing" : "one directory at a time");
	return probe_and_print(argv[optind], json);
}
