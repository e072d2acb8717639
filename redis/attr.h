/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What a handle was opened with: plain data, checked by attr.c, copied at open. */
#ifndef IPCLOCK_REDIS_ATTR_H
#define IPCLOCK_REDIS_ATTR_H

#include "backoff.h"

#define MOST_PREFIX 200

struct ipclock_redis_attr {
	struct backoff backoff;
	int protocol;
	int lease_ms;
	int connect_ms;
	int command_ms;
	char prefix[MOST_PREFIX + 1];
};

extern const struct ipclock_redis_attr ipclock__redis_attr_defaults;

#endif
