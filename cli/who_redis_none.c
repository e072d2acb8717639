/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* --redis where there is no libipclock-redis. */

#include "cli.h"

int
who_redis(const char *url, const char *name, bool json)
{
	(void)url;
	(void)name;
	(void)json;
	complain("--redis: built without hiredis");
	return STATUS_OPEN;
}
