/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What waiting.c needs. */
#ifndef IPCLOCK_CLI_WAITING_H
#define IPCLOCK_CLI_WAITING_H

#include <signal.h>

#include "cli.h"

/*
 * signals.c: the signals that stop or end a process, while it waits.  Between
 * catch and release they are blocked; those whose disposition was the default
 * and that were not blocked before are caught, but only while the old mask
 * stands, that is, in ppoll(2).
 */
void signals_catch(sigset_t *old_mask);
bool signals_caught(void);
/* As it was before. */
void signals_release(const sigset_t *old_mask);
/* After release: does to us what the caught signals do.  Returns after a stop. */
void signals_raise(void);

/* notice.c: the line on a terminal that says what we wait for. */
struct notice {
	const struct options *options;
	struct ipclock_rw *rw;
	int64_t since_us;
	int64_t next_us;     /* when it is to be drawn; INT64_MAX without a terminal */
	int width;           /* of what stands there now */
};

void notice_open(struct notice *notice, struct ipclock_rw *rw, const struct options *options, int64_t since_us);
/* Draws it if it is time to, and says until when there is nothing to do, at most most_us. */
int64_t notice_draw(struct notice *notice, int64_t most_us);
void notice_erase(struct notice *notice);

#endif
