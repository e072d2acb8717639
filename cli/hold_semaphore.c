/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* One slot of a semaphore: -j. */

#include <errno.h>
#include <stdio.h>

#include "system.h"
#include "waiting.h"

static int
open_semaphore(struct hold *h, struct ipclock_attr *attr)
{
	h->slot = (unsigned)h->options->jobs;
	waiting_set_attr(attr, h);
	return ipclock_sem_open(&h->sem, h->options->file, (unsigned)h->options->jobs, attr);
}

static int
acquire(struct hold *h, int timeout_ms)
{
	char number[16];
	int error = ipclock_sem_acquire(h->sem, timeout_ms, &h->slot);

	if (error != 0)
		return error == ECANCELED ? EINTR : error;
	snprintf(number, sizeof(number), "%u", h->slot);
	return environment_set("IPCLOCK_SLOT", number);
}

static int
fd(struct hold *h)
{
	return ipclock_sem_fd(h->sem, h->slot);
}

static const char *
message(struct hold *h)
{
	return ipclock_sem_message(h->sem);
}

static void
close_semaphore(struct hold *h)
{
	if (h->slot < (unsigned)h->options->jobs)
		ipclock_sem_release(h->sem, h->slot);
	ipclock_sem_close(h->sem);
}

const struct hold_kind hold_semaphore = {
	.otherwise = STATUS_LOCK,
	.open = open_semaphore,
	.acquire = acquire,
	.fd = fd,
	.message = message,
	.close = close_semaphore,
};
