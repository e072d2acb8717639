/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* `ipclock who --redis`. */

#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "redis_attr.h"

static const char *
mode_of(const struct ipclock_redis_holder *holder)
{
	return ipclock_redis_holder_writes(holder) ? "write" : "read";
}

static int
tell_row(void *ctx, const struct ipclock_redis_holder *holder)
{
	char token[24] = "-", state[32] = "holds";
	int *told = ctx, place = ipclock_redis_holder_place(holder);

	if ((*told)++ == 0)
		printf("%-10s %-6s %-20s %s\n", "CLIENT", "MODE", "TOKEN", "STATE");
	if (place)
		snprintf(state, sizeof(state), "place %d", place);
	else
		snprintf(token, sizeof(token), "%" PRIu64, ipclock_redis_holder_token(holder));
	printf("%-10" PRId64 " %-6s %-20s %s\n", ipclock_redis_holder_client(holder), mode_of(holder), token, state);
	return 0;
}

static int
tell_object(void *ctx, const struct ipclock_redis_holder *holder)
{
	int *told = ctx, place = ipclock_redis_holder_place(holder);

	printf("%s\n  {\"client\": %" PRId64 ", \"mode\": \"%s\", \"state\": \"%s\", \"place\": %d, \"token\": ",
	    (*told)++ == 0 ? "[" : ",", ipclock_redis_holder_client(holder), mode_of(holder),
	    place ? "waits" : "holds", place);
	if (place)
		fputs("null}", stdout);
	else
		printf("%" PRIu64 "}", ipclock_redis_holder_token(holder));
	return 0;
}

static int
open_redis(struct ipclock_redis **r, const char *url, const char *name)
{
	struct ipclock_redis_attr *attr;
	int error = redis_attr_new(&attr);

	*r = NULL;
	if (error != 0)
		return error;
	error = ipclock_redis_open(r, url, name, attr);
	ipclock_redis_attr_free(attr);
	return error;
}

int
who_redis(const char *url, const char *name, bool json)
{
	struct ipclock_redis *r;
	int status, told = 0, error = open_redis(&r, url, name);

	if (error == 0)
		error = ipclock_redis_holders(r, json ? tell_object : tell_row, &told);
	if (error != 0) {
		complain("%s", ipclock_redis_message(NULL));
		ipclock_redis_close(r);
		return status_of(error, STATUS_OPEN);
	}
	ipclock_redis_close(r);
	if (json)
		fputs(told ? "\n]\n" : "[]\n", stdout);
	status = print("%s", "");
	return status ? status : told == 0;
}
