/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "ipclock-redis.h"

#include "holders.h"

struct ipclock_redis_holder {
	int64_t client;
	uint64_t token;
	int place;
	char mode;
};

/* "MODE CLIENT RUN_ID" and, of who holds, " TOKEN". */
static int
understand(const redisReply *place, const redisReply *record, struct ipclock_redis_holder *holder)
{
	int n;

	if (place->type != REDIS_REPLY_INTEGER || record->type != REDIS_REPLY_STRING)
		return EPROTO;
	*holder = (struct ipclock_redis_holder){ .place = (int)place->integer };
	n = sscanf(record->str, "%c %" SCNd64 " %*s %" SCNu64, &holder->mode, &holder->client, &holder->token);
	return n == (holder->place == 0 ? 3 : 2) ? 0 : EPROTO;
}

int
ipclock__redis_tell(const redisReply *reply, int (*each)(void *, const struct ipclock_redis_holder *), void *ctx)
{
	struct ipclock_redis_holder holder;
	size_t i;
	int error;

	for (i = 0; i + 1 < reply->elements; i += 2) {
		error = understand(reply->element[i], reply->element[i + 1], &holder);
		if (error)
			return error;
		if (each(ctx, &holder))
			return 0;
	}
	return 0;
}

int64_t
ipclock_redis_holder_client(const struct ipclock_redis_holder *holder)
{
	return holder ? holder->client : 0;
}

int
ipclock_redis_holder_writes(const struct ipclock_redis_holder *holder)
{
	return holder && holder->mode == 'W';
}

int
ipclock_redis_holder_place(const struct ipclock_redis_holder *holder)
{
	return holder ? holder->place : 0;
}

uint64_t
ipclock_redis_holder_token(const struct ipclock_redis_holder *holder)
{
	return holder ? holder->token : 0;
}
