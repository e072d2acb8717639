/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A lock by a file's existence: --soft.  We are its owner, and stay until the command has ended. */

#include <errno.h>
#include <signal.h>

#include "system.h"
#include "waiting.h"

static int
open_soft(struct hold *h, struct ipclock_attr *attr)
{
	int error;

	waiting_set_attr(attr, h);
	error = ipclock_soft_open(&h->soft, h->options->file, attr);
	if (error == 0 && h->options->lease_ms != 0)
		error = ipclock_soft_set_lease(h->soft, h->options->lease_ms, NULL, NULL);
	return error;
}

static int
acquire(struct hold *h, int timeout_ms)
{
	int error = ipclock_soft_acquire(h->soft, timeout_ms);

	h->touched_us = now_us();
	return error == ECANCELED ? EINTR : error;
}

static const char *
message(struct hold *h)
{
	return ipclock_soft_message(h->soft);
}

/* What fails for a moment, as on a network, has failed when the lease is over. */
static int
touch(void *hold)
{
	struct hold *h = hold;
	int64_t now = now_us();

	if (h->lost)
		return 0;
	if (ipclock_soft_touch(h->soft) == 0) {
		h->touched_us = now;
		return 0;
	}
	if (ipclock_soft_held(h->soft) && now - h->touched_us < (int64_t)h->options->lease_ms * 1000)
		return 0;
	hold_lose(h);
	return SIGTERM;
}

static void
close_soft(struct hold *h)
{
	if (ipclock_soft_held(h->soft) && ipclock_soft_release(h->soft) != 0 && !h->lost) {
		complain("%s", message(h));
		h->lost = true;
	}
	ipclock_soft_close(h->soft);
}

const struct hold_kind hold_soft = {
	.sleeps = true,
	.otherwise = STATUS_OPEN,
	.open = open_soft,
	.acquire = acquire,
	.message = message,
	.touch = touch,
	.close = close_soft,
};
