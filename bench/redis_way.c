/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include "redis_way.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hiredis/hiredis.h>
#include <ipclock-redis.h>

#include "sample.h"

static void
die(const char *what)
{
	fprintf(stderr, "redis: %s\n", what);
	exit(1);
}

/* ---- libipclock-redis ---- */

static struct ipclock_redis *lock;

static int
open_ours(const struct redis_way *way, const char *url, const char *name)
{
	struct ipclock_redis_attr *attr;

	if (ipclock_redis_attr_new(&attr) || ipclock_redis_attr_set_protocol(attr, way->protocol) ||
	    ipclock_redis_open(&lock, url, name, attr))
		die(ipclock_redis_message(NULL));
	ipclock_redis_attr_free(attr);
	return way->thread ? ipclock_redis_start_renewing(lock) : 0;
}

static void
acquire_ours(const struct redis_way *way)
{
	if (way->readers ? ipclock_redis_acquire_read(lock, -1) : ipclock_redis_acquire_write(lock, -1))
		die(ipclock_redis_message(lock));
}

static void
release_ours(void)
{
	if (ipclock_redis_release(lock))
		die(ipclock_redis_message(lock));
}

/* ---- SET NX PX, and a script that deletes what is still ours; for comparison two PINGs ---- */

static redisContext *server;
static const char *key;
static char token[24], sha[41];

/* What it says as text or number, if it is that; errors end us. */
static long long
say(const char *format, ...)
{
	redisReply *reply;
	va_list ap;
	long long got;

	va_start(ap, format);
	reply = redisvCommand(server, format, ap);
	va_end(ap);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		die(reply ? reply->str : server->errstr);
	if (reply->type == REDIS_REPLY_STRING)
		snprintf(sha, sizeof(sha), "%s", reply->str);
	got = reply->type == REDIS_REPLY_STATUS ? 1 : reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	return got;
}

static int
open_set(const struct redis_way *way, const char *url, const char *name)
{
	(void)way;
	server = strncmp(url, "unix://", 7) == 0 ? redisConnectUnix(url + 7) :
	    redisConnect("127.0.0.1", atoi(strrchr(url, ':') + 1));
	if (!server || server->err)
		return 1;
	key = name;
	snprintf(token, sizeof(token), "%ld", (long)getpid());
	say("SCRIPT LOAD %s", "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0");
	return 0;
}

static void
acquire_set(const struct redis_way *way)
{
	int pause = 0;

	while (!say("SET %s %s NX PX 10000", key, token)) {
		pause = pause + way->step_ms < way->most_ms ? pause + way->step_ms : way->most_ms;
		pause_ns(pause * INT64_C(1000000));
	}
}

static void
release_set(void)
{
	if (say("EVALSHA %s 1 %s %s", sha, key, token) != 1)
		die("SET NX PX: lost");
}

static void
ping(const struct redis_way *way)
{
	(void)way;
	say("PING");
}

static void
ping_again(void)
{
	say("PING");
}

#define OURS open_ours, acquire_ours, release_ours
#define SET  open_set, acquire_set, release_set

static const struct redis_way ways[] = {
	{ "ipclock-write", OURS, IPCLOCK_REDIS_LEASE, 0, 0, 0, 0 },
	{ "ipclock-write-thread", OURS, IPCLOCK_REDIS_LEASE, 0, 1, 0, 0 },
	{ "ipclock-read", OURS, IPCLOCK_REDIS_LEASE, 1, 0, 0, 0 },
	{ "ipclock-portalocker", OURS, IPCLOCK_REDIS_PORTALOCKER, 0, 1, 0, 0 },
	{ "set-nx", SET, 0, 0, 0, 50, 1000 },
	{ "set-nx-10ms", SET, 0, 0, 0, 10, 10 },
	{ "two-pings", open_set, ping, ping_again, 0, 0, 0, 0, 0 },
};

const struct redis_way *
redis_way(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, name) == 0)
			return &ways[i];
	return NULL;
}
