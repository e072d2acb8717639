/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What a handle was opened with: checked by attr.c, copied at open. */
#ifndef IPCLOCK_REDIS_ATTR_H
#define IPCLOCK_REDIS_ATTR_H

#include "backoff.h"

#define MOST_PREFIX 200

enum { USER, PASSWORD, AUTHORITIES, CERTIFICATE, KEY, TEXTS };

struct ipclock_redis_attr {
	struct backoff backoff;
	int protocol;
	int lease_ms;
	int connect_ms;
	int command_ms;
	char prefix[MOST_PREFIX + 1];
	char *text[TEXTS]; /* NULL: not said; of their own memory */
};

/* NULL: the defaults.  ENOMEM. */
int ipclock__redis_attr_copy(struct ipclock_redis_attr *copy, const struct ipclock_redis_attr *attr);

/* Frees what it points to. */
void ipclock__redis_attr_clear(struct ipclock_redis_attr *attr);

#endif
