/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Options of a lock on a server, with what the environment says. */
#ifndef IPCLOCK_CLI_REDIS_ATTR_H
#define IPCLOCK_CLI_REDIS_ATTR_H

#include <ipclock-redis.h>

/* With the password of REDISCLI_AUTH, for a URL that names none.  ENOMEM. */
int redis_attr_new(struct ipclock_redis_attr **attr);

#endif
