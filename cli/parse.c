/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <string.h>

#include "parse.h"

int
parse(const struct syntax *syntax, void *ctx, int argc, char **argv)
{
	static char name[] = "ipclock";
	int opt, status = GO_ON;

	argv[0] = name; /* getopt_long() names it in messages */
	while (status == GO_ON && (opt = getopt_long(argc, argv, syntax->letters, syntax->names, NULL)) != -1)
		switch (opt) {
		case 'h':
			return print("%s", syntax->help);
		case 'V':
			return print("ipclock (libipclock) %s\n", ipclock_version());
		case '?': /* getopt_long() has said what is wrong */
			return wrong("%s'ipclock %s --help' tells more", optopt == 'c' && strcmp(syntax->verb, "run") == 0 ?
			    "-c stands after the file: ipclock run FILE -c STRING; " : "", syntax->verb);
		default:
			status = syntax->take(ctx, opt, optarg);
		}
	return status;
}

int
take_seconds(const char *name, const char *text, int min_ms, int *ms)
{
	if (number_parse_seconds(text, ms) && *ms >= min_ms)
		return GO_ON;
	return wrong("%s: '%s' is no number of seconds from %s to %d", name, text, min_ms ? "0.001" : "0",
	    INT_MAX / 1000);
}

int
take_number(const char *name, const char *text, int min, int max, int *value)
{
	if (number_parse(text, max, value) && *value >= min)
		return GO_ON;
	return wrong("%s: '%s' is no number from %d to %d", name, text, min, max);
}

int
take_protocol(const char *text, int *protocol)
{
	if (strcmp(text, "range") == 0)
		*protocol = IPCLOCK_RANGE;
	else if (strcmp(text, "flock") == 0)
		*protocol = IPCLOCK_FLOCK;
	else
		return wrong("--protocol: '%s' is neither range nor flock", text);
	return GO_ON;
}

int
take_wait(struct options *options, int opt, const char *text)
{
	switch (opt) {
	case 'n':
		options->try_once = true;
		return GO_ON;
	case 'w':
		return take_seconds("--wait", text, 0, &options->timeout_ms);
	default:
		return take_number("--conflict-exit-code", text, 0, 255, &options->conflict_status);
	}
}
