/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the command lines of all verbs have in common. */
#ifndef IPCLOCK_CLI_PARSE_H
#define IPCLOCK_CLI_PARSE_H

#include <getopt.h>
#include <limits.h>

#include "cli.h"

#define LAST_SLOT      2097151 /* of a file: ipclock_attr_set_slot() */
#define LAST_SEMAPHORE 1048575 /* of a file: ipclock_sem_open() */

/* Each of these returns a status to exit with, or GO_ON. */
#define GO_ON (-1)

/* Values of long options that have no letter. */
enum {
	OPT_FCNTL = CHAR_MAX + 1,
	OPT_VERBOSE,
	OPT_DELAY,
	OPT_MAX_DELAY,
	OPT_SLOT,
	OPT_UNFAIR,
	OPT_POLL,
	OPT_PROTOCOL,
	OPT_SOFT,
	OPT_LEASE,
	OPT_PIDFILE,
	OPT_UNLINK,
	OPT_JSON,
	OPT_NEW,
	OPT_FOLLOW,
	OPT_LOCK,
	OPT_REDIS,
};

/* The end of each table of long options. */
#define COMMON_OPTIONS \
	{ "help", no_argument, NULL, 'h' }, \
	{ "version", no_argument, NULL, 'V' }, \
	{ NULL, 0, NULL, 0 }

struct syntax {
	const char *verb;
	const char *help;
	const char *letters;
	const struct option *names;
	int (*take)(void *ctx, int opt, const char *text);
};

/* Hands each option to take(), but for help and version; optind is the first operand. */
int parse(const struct syntax *syntax, void *ctx, int argc, char **argv);

int take_seconds(const char *name, const char *text, int min_ms, int *ms);
int take_number(const char *name, const char *text, int min, int max, int *value);
int take_protocol(const char *text, int *protocol);

/* -n, -w and -E, which mean the same in each verb. */
#define WAIT_OPTIONS \
	{ "nonblock", no_argument, NULL, 'n' }, \
	{ "nonblocking", no_argument, NULL, 'n' }, \
	{ "nb", no_argument, NULL, 'n' }, \
	{ "wait", required_argument, NULL, 'w' }, \
	{ "timeout", required_argument, NULL, 'w' }, \
	{ "conflict-exit-code", required_argument, NULL, 'E' }
int take_wait(struct options *options, int opt, const char *text);

#endif
