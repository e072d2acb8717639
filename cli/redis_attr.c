/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stdlib.h>

#include "redis_attr.h"

int
redis_attr_new(struct ipclock_redis_attr **attr)
{
	const char *password = getenv("REDISCLI_AUTH");
	int error = ipclock_redis_attr_new(attr);

	if (error != 0 || password == NULL || *password == '\0')
		return error;
	error = ipclock_redis_attr_set_auth(*attr, NULL, password);
	if (error != 0)
		ipclock_redis_attr_free(*attr);
	return error;
}
