/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* --redis where there is no libipclock-redis: it cannot be opened. */

#include <errno.h>

#include "hold.h"

static int
open_redis(struct hold *h, struct ipclock_attr *attr)
{
	(void)h;
	(void)attr;
	return EPROTONOSUPPORT;
}

static const char *
message(struct hold *h)
{
	(void)h;
	return "--redis: built without hiredis";
}

const struct hold_kind hold_redis = { .otherwise = STATUS_LOCK, .open = open_redis, .message = message };
