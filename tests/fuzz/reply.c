/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What a server answers: each call that reads replies, with the input as all that the server will ever say. */

#include <sys/socket.h>

#include <ctype.h>
#include <unistd.h>

#include "ipclock-redis.h"

#include "fuzz.h"
#include "../../redis/holders.h" /* the library for one machine has one, too */
#include "lease.h"

static int64_t never = INT64_MAX;

/* A connection to a server that has said this, says nothing more, and reads nothing.  Returns the server's end. */
static int
connect_to(struct connection *c, const uint8_t *data, size_t size)
{
	int ends[2];

	memset(c, 0, sizeof(*c));
	c->limit = &never;
	c->command_ms = 1000;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || (size && write(ends[1], data, size) < 0))
		abort();
	shutdown(ends[1], SHUT_WR);
	c->context = redisConnectFd(ends[0]);
	if (!c->context)
		abort();
	c->id = 7;
	strcpy(c->run_id, "abc");
	return ends[1];
}

static int
look(void *ctx, const struct ipclock_redis_holder *holder)
{
	(void)ctx;
	MUST(ipclock_redis_holder_writes(holder) == 0 || ipclock_redis_holder_writes(holder) == 1);
	return 0;
}

static void
ask(struct lease *lease)
{
	struct lease_answer answer;
	bool taken;

	if (ipclock__lease_ask(lease, 'W', true, &answer))
		return;
	MUST(answer.token || (answer.number >= -1 && answer.ends_ms >= -1));
	if (!answer.token)
		ipclock__lease_take_over(lease, &answer, &taken);
	ipclock__lease_answered(&answer);
}

static void
who(struct lease *lease)
{
	redisReply *reply;

	if (ipclock__lease_who(lease, &reply))
		return;
	ipclock__redis_tell(reply, look, NULL);
	freeReplyObject(reply);
}

/* By a script that the server must be sent first. */
static void
give(struct lease *lease)
{
	*lease->scripts.sha[SCRIPT_GIVE] = '\0';
	ipclock__lease_give(lease);
}

static void
introduce(struct lease *lease)
{
	if (ipclock__redis_introduce(lease->connection) == 0)
		MUST(lease->connection->id > 0 && strlen(lease->connection->run_id) < MOST_RUN_ID);
}

/* hiredis of old makes room for as many elements as a reply announces. */
static int
announces_much(const uint8_t *data, size_t size)
{
	size_t i, digits = 0;

	for (i = 0; i < size && digits < 7; i++)
		digits = isdigit(data[i]) ? digits + 1 : 0;
	return digits >= 7;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const calls[])(struct lease *) = { ask, who, give, introduce };
	struct connection c;
	struct lease lease;
	size_t i, which;
	int server;

	if (announces_much(data, size) || size > 4096)
		return 0;
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		memset(&lease, 0, sizeof(lease));
		for (which = 0; which < SCRIPTS; which++)
			memset(lease.scripts.sha[which], 'a', 40);
		server = connect_to(&c, data, size);
		lease.connection = &c;
		lease.lease_ms = 1000;
		if (ipclock__lease_make(&lease, "p", "n"))
			abort();
		ipclock__lease_begin(&lease, (const unsigned char[16]){ 0 });
		calls[i](&lease);
		ipclock__redis_disconnect(&c);
		MUST(strlen(c.reason) < MOST_REASON);
		ipclock__lease_free(&lease);
		close(server);
	}
	return 0;
}
