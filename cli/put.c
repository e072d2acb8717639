/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* `ipclock put`: standard input becomes a file, all of it or not at all. */

#include <errno.h>
#include <string.h>

#include "hold.h"
#include "parse.h"
#include "signals.h"
#include "system.h"

struct request {
	struct options lock; /* its file: NULL for none */
	const char *file;
	unsigned flags;
	int mode;            /* -1: not given */
};

static const struct option long_options[] = {
	{ "new", no_argument, NULL, OPT_NEW },
	{ "follow", no_argument, NULL, OPT_FOLLOW },
	{ "mode", required_argument, NULL, 'm' },
	{ "lock", required_argument, NULL, OPT_LOCK },
	WAIT_OPTIONS,
	COMMON_OPTIONS
};

static const char help[] =
    "Usage: ipclock put [OPTION...] FILE <INPUT\n"
    "\n"
    "Replaces FILE, or makes it, when all of the standard input has been read: others\n"
    "see the old contents or the new.  FILE keeps its owner and its permissions.\n"
    "\n"
    "      --new                     fail if there is something\n"
    "      --follow                  replace what a symbolic link leads to, not fail\n"
    "  -m, --mode MODE               permissions of a new FILE: octal, or by umask\n"
    "      --lock LOCKFILE           hold the lock on LOCKFILE while replacing\n"
    "  -n, --nb, --nonblock[ing]     do not wait for it\n"
    "  -w, --wait, --timeout SECS    wait no longer than that; 0 is -n\n"
    "  -E, --conflict-exit-code N    exit status if held, or FILE not new: 0-255 (1)\n"
    "  -h, --help                    this help\n"
    "  -V, --version                 the version\n"
    "\n"
    "Exit status: 0 done, 1 or -E not new, held or timed out, 64 usage, 65 cannot\n"
    "lock, 66 cannot open, 71 out of resources, 73 cannot create, 74 cannot read or\n"
    "write; see 'ipclock help exit'.\n";

static struct ipclock_replace *replace;

/* ---- the command line ---- */

static int
take_option(void *ctx, int opt, const char *text)
{
	struct request *r = ctx;

	switch (opt) {
	case OPT_NEW:
		r->flags |= IPCLOCK_REPLACE_NEW;
		return GO_ON;
	case OPT_FOLLOW:
		r->flags |= IPCLOCK_REPLACE_FOLLOW;
		return GO_ON;
	case OPT_LOCK:
		r->lock.file = text;
		return GO_ON;
	case 'm':
		return number_parse_octal(text, 0777, &r->mode) ? GO_ON :
		    wrong("--mode: '%s' is no octal number from 0 to 777", text);
	default:
		return take_wait(&r->lock, opt, text);
	}
}

static int
parse_request(struct request *r, int argc, char **argv)
{
	static const struct syntax syntax = { "put", help, "m:nw:E:hV", long_options, take_option };
	int status;

	*r = (struct request){ .mode = -1 };
	options_init(&r->lock);
	r->lock.verbose = true;
	status = parse(&syntax, r, argc, argv);
	if (status != GO_ON)
		return status;
	if (argc - optind != 1)
		return wrong("one file is wanted; 'ipclock put --help' tells more");
	r->file = argv[optind];
	if (r->lock.file == NULL && (r->lock.try_once || r->lock.timeout_ms != IPCLOCK_FOREVER))
		return wrong("--nonblock and --wait want --lock");
	if (r->lock.file != NULL && file_is_same(r->lock.file, r->file))
		return wrong("--lock: the file to lock cannot be the one that is replaced");
	if (r->lock.try_once)
		r->lock.timeout_ms = 0;
	return GO_ON;
}

/* ---- replacing ---- */

static void
drop(void)
{
	ipclock_replace_abort(replace);
	replace = NULL;
}

static int
failed(const struct request *r, int error, int otherwise)
{
	complain("%s", ipclock_replace_message(replace));
	return error == EEXIST ? r->lock.conflict_status : status_of_making(error, otherwise);
}

static int
copy(const struct request *r)
{
	static char data[65536];
	size_t n;
	int error;

	while ((error = signals_read(data, sizeof(data), &n)) == 0 && n > 0)
		if ((error = file_write(ipclock_replace_fd(replace), data, n)) != 0) {
			complain("cannot write %s: %s", r->file, strerror(error));
			return status_of_making(error, STATUS_IO);
		}
	if (error == 0)
		return 0;
	complain("cannot read the standard input: %s", strerror(error));
	return STATUS_IO;
}

static int
commit(const struct request *r)
{
	struct hold hold;
	int error, status = 0;

	if (r->lock.file != NULL && (status = hold_open(&hold, &r->lock)) != 0)
		return status;
	if (r->lock.file != NULL)
		status = hold_acquire(&hold);
	if (status == 0 && (error = ipclock_replace_commit(replace)) != 0)
		status = failed(r, error, STATUS_IO);
	if (r->lock.file != NULL)
		hold.kind->close(&hold);
	return status;
}

static int
put(const struct request *r)
{
	int status, error;

	if (r->mode >= 0)
		file_mode_at_most(r->mode); /* before there is something to open */
	error = ipclock_replace_open(&replace, r->file, r->flags);
	if (error != 0)
		return failed(r, error, STATUS_SYSTEM);
	signals_undo = drop;
	if (r->mode >= 0 && (error = file_set_mode(ipclock_replace_fd(replace), r->mode)) != 0) {
		complain("cannot set the mode of %s: %s", r->file, strerror(error));
		status = STATUS_CREATE;
	} else
		status = copy(r);
	if (status == 0)
		status = commit(r);
	drop();
	return status;
}

int
put_main(int argc, char **argv)
{
	struct request r;
	int status = parse_request(&r, argc, argv);

	if (status != GO_ON)
		return status;
	file_size_is_error();
	signals_catch();
	status = put(&r);
	signals_release();
	return status;
}
