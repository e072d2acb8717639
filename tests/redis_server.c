/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "redis_server.h"
#include "support.h"

static pid_t server;
static redisContext *control;

int
server_there(void)
{
	return system("command -v redis-server >/dev/null 2>&1") == 0;
}

pid_t
server_pid(void)
{
	return server;
}

const char *
server_url(void)
{
	static char url[300];

	snprintf(url, sizeof(url), "unix://%s", test_file("s"));
	return url;
}

static void
forget(void)
{
	if (control)
		redisFree(control);
	control = NULL;
}

static int
answers(void *arg)
{
	redisReply *reply;
	int ready;

	(void)arg;
	forget();
	control = redisConnectUnix(test_file("s"));
	if (control == NULL || control->err != 0)
		return 0;
	reply = redisCommand(control, "PING");
	ready = reply != NULL && reply->type != REDIS_REPLY_ERROR;
	if (reply != NULL)
		freeReplyObject(reply);
	return ready;
}

void
server_start(int persistent)
{
	int null;

	server = fork();
	if (server == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", test_file("s"), "--dir", test_dir,
		    "--save", "", "--appendonly", persistent ? "yes" : "no", "--appendfsync", "always", "--daemonize", "no",
		    (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(server, 0);
	await(answers, NULL, "redis-server");
}

void
server_kill(int sig)
{
	ck_assert_int_eq(kill(server, sig), 0);
	if (sig != SIGKILL)
		return;
	waitpid(server, NULL, 0);
	server = 0;
	forget();
	unlink(test_file("s"));
}

void
server_end(void)
{
	if (server > 0)
		server_kill(SIGKILL);
}

static redisReply *
ask(const char *format, va_list ap)
{
	redisReply *reply;

	if (control == NULL)
		await(answers, NULL, "redis-server");
	reply = redisvCommand(control, format, ap);
	ck_assert_msg(reply != NULL, "%s: %s", format, control->errstr);
	return reply;
}

const char *
server_do(const char *format, ...)
{
	static char text[65536];
	redisReply *reply, *at;
	va_list ap;

	va_start(ap, format);
	reply = ask(format, ap);
	va_end(ap);
	for (at = reply; at->type == REDIS_REPLY_ARRAY && at->elements > 0;)
		at = at->element[at->elements - 1];
	if (at->type == REDIS_REPLY_INTEGER)
		snprintf(text, sizeof(text), "%lld", at->integer);
	else
		snprintf(text, sizeof(text), "%s", at->str != NULL ? at->str : "(nil)");
	freeReplyObject(reply);
	return text;
}

long
server_number(const char *format, ...)
{
	redisReply *reply;
	va_list ap;
	long n;

	va_start(ap, format);
	reply = ask(format, ap);
	va_end(ap);
	n = reply->type == REDIS_REPLY_INTEGER ? (long)reply->integer : -1;
	freeReplyObject(reply);
	return n;
}

/* ---- locks ---- */

struct ipclock_redis *
open_lease(const char *name, int lease_ms)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;
	int error;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, lease_ms), 0);
	error = ipclock_redis_open(&r, server_url(), name, attr);
	ck_assert_msg(error == 0, "%d: %s", error, ipclock_redis_message(NULL));
	ipclock_redis_attr_free(attr);
	return r;
}

struct ipclock_redis *
open_lock(void)
{
	return open_lease("lock", NO_END);
}

uint64_t
token_of(struct ipclock_redis *r)
{
	uint64_t token = 0;

	ck_assert_int_eq(ipclock_redis_token(r, &token), 0);
	return token;
}

static int
line_is(void *n)
{
	return server_number("ZCARD " QUEUE) == *(int *)n;
}

void
await_waiters(int n)
{
	await(line_is, &n, "so many waiters");
}

pid_t
spawn(char mode, char letter, int fd, int timeout_ms)
{
	struct ipclock_redis *r;
	pid_t pid = fork();
	int error;

	if (pid != 0)
		return pid;
	r = open_lock();
	error = mode == 'W' ? ipclock_redis_acquire_write(r, timeout_ms) : ipclock_redis_acquire_read(r, timeout_ms);
	if (error == 0 && write(fd, &letter, 1) != 1)
		_exit(102);
	if (error == 0)
		error = ipclock_redis_release(r);
	ipclock_redis_close(r);
	_exit(error);
}
