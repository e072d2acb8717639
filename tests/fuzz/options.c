/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The command line of `ipclock run`, a word a line; and the numbers that all verbs read. */

#include <limits.h>

#include "cli.h"
#include "fuzz.h"
#include "parse.h"

#define MOST_ARGS 64

/* ---- what the rest of the program is to it ---- */

char **child_shell(char *string);

int
wrong(const char *format, ...)
{
	MUST(*format != '\0');
	return STATUS_USAGE;
}

int
print(const char *format, ...)
{
	MUST(*format != '\0');
	return 0;
}

const char *
ipclock_version(void)
{
	return "0";
}

char **
child_shell(char *string)
{
	static char *args[4];

	args[2] = string;
	return args;
}

/* ---- the harness ---- */

static void
numbers(const char *text)
{
	int value = -1, octal = -1, ms = -1;

	if (number_parse(text, INT_MAX, &value))
		MUST(value >= 0 && value == strtoll(text, NULL, 10));
	else
		MUST(value == -1);
	if (number_parse_octal(text, 0777, &octal))
		MUST(octal >= 0 && octal <= 0777 && octal == strtoll(text, NULL, 8));
	else
		MUST(octal == -1);
	if (number_parse_seconds(text, &ms)) /* rounded up, so never less than was asked for */
		MUST(ms >= 0 && (double)ms >= 1000 * strtod(text, NULL) - 1e-3 && (double)ms < 1000 * strtod(text, NULL) + 1.001);
	else
		MUST(ms == -1);
}

static void
check(const struct options *o)
{
	MUST(o->timeout_ms >= -1 && o->conflict_status >= 0 && o->conflict_status <= 255);
	MUST(o->step_ms >= 1 && o->max_ms >= 0 && o->lease_ms >= 0);
	MUST(o->slot >= -1 && o->slot <= LAST_SLOT && (unsigned)o->jobs <= IPCLOCK_SEM_MOST);
	MUST(o->file != NULL ? o->command != NULL : o->command == NULL && o->fd >= 0);
}

static void
command_line(char *text)
{
	char *args[MOST_ARGS + 1], run[] = "run";
	struct options options;
	int n = 0, status;

	args[n++] = run;
	for (; text && n < MOST_ARGS; n++) {
		args[n] = text;
		text = strchr(text, '\n');
		if (text)
			*text++ = '\0';
	}
	args[n] = NULL;
	optind = 0; /* from the beginning */
	opterr = 0;
	status = options_parse(&options, n, args);
	MUST(status == GO_ON || status == 0 || status == STATUS_USAGE);
	if (status == GO_ON)
		check(&options);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	numbers(text);
	command_line(text);
	free(text);
	return 0;
}
