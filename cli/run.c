/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* `ipclock run`: acquire, then become the command, so that its descriptor holds the lock. */

#include "child.h"
#include "hold.h"
#include "parse.h"
#include "signals.h"
#include "system.h"

static int
acquire(struct hold *h)
{
	int64_t us = now_us();
	int status = hold_acquire(h);

	if (status != 0 || !h->options->verbose)
		return status;
	us = now_us() - us;
	return print("ipclock: getting lock took %d.%06d seconds\n", (int)(us / 1000000), (int)(us % 1000000));
}

static int
execute(struct hold *h)
{
	const struct options *o = h->options;
	struct care care = { (o->lease_ms + 2) / 3, h->kind->touch, h->kind->watch, h };
	int status;

	if (o->verbose && (status = print("ipclock: executing %s\n", o->command[0])) != 0)
		return status;
	if (o->close)
		return child_run(o->command, &care);
	return child_exec(o->command, h->kind->fd(h));
}

static int
run(const struct options *o)
{
	struct hold hold;
	int status;

	status = hold_open(&hold, o);
	if (status != 0)
		return status;
	status = acquire(&hold);
	if (o->file == NULL) /* the shell's descriptor goes on holding: the handle is not closed */
		return status;
	if (status == 0)
		status = execute(&hold);
	hold.kind->close(&hold);
	return hold.lost ? STATUS_LOCK : status;
}

/* Where a file would be left behind, what ends us comes in a wait, while the command runs, or when the file is gone. */
int
run_main(int argc, char **argv)
{
	struct options o;
	int status;

	status = options_parse(&o, argc, argv);
	if (status != GO_ON)
		return status;
	if (!o.soft && !o.unlink)
		return run(&o);
	signals_catch();
	status = run(&o);
	signals_release();
	return status;
}
