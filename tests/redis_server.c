/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "redis_server.h"

/* Number 0 is the one on the socket, the others follow. */
static struct server {
	pid_t pid;
	int port; /* 0: on the socket */
	redisContext *control;
} servers[1 + MOST_OTHERS];

static const char *
program(void)
{
	const char *named = getenv("REDIS_SERVER");

	return named != NULL && *named != '\0' ? named : "redis-server";
}

int
server_there(void)
{
	char command[400];

	snprintf(command, sizeof(command), "command -v '%s' >/dev/null 2>&1", program());
	return system(command) == 0;
}

pid_t
server_pid(void)
{
	return servers[0].pid;
}

const char *
server_url(void)
{
	static char url[300];

	snprintf(url, sizeof(url), "unix://%s", test_file("s"));
	return url;
}

/* ---- asking ---- */

static void
forget(struct server *s)
{
	if (s->control)
		redisFree(s->control);
	s->control = NULL;
}

static int
answers(void *arg)
{
	struct server *s = arg;
	redisReply *reply;
	int ready;

	forget(s);
	s->control = s->port != 0 ? redisConnect("127.0.0.1", s->port) : redisConnectUnix(test_file("s"));
	if (s->control == NULL || s->control->err != 0)
		return 0;
	reply = redisCommand(s->control, "PING");
	ready = reply != NULL && reply->type != REDIS_REPLY_ERROR;
	if (reply != NULL)
		freeReplyObject(reply);
	return ready;
}

static redisReply *
ask(struct server *s, const char *format, va_list ap)
{
	redisReply *reply;

	if (s->control == NULL)
		await(answers, s, "redis-server");
	reply = redisvCommand(s->control, format, ap);
	ck_assert_msg(reply != NULL, "%s: %s", format, s->control->errstr);
	return reply;
}

static const char *
text_of(redisReply *reply)
{
	static char text[65536];
	redisReply *at;

	for (at = reply; at->type == REDIS_REPLY_ARRAY && at->elements > 0;)
		at = at->element[at->elements - 1];
	if (at->type == REDIS_REPLY_INTEGER)
		snprintf(text, sizeof(text), "%lld", at->integer);
	else
		snprintf(text, sizeof(text), "%s", at->str != NULL ? at->str : "(nil)");
	freeReplyObject(reply);
	return text;
}

static long
number_of(redisReply *reply)
{
	long n = reply->type == REDIS_REPLY_INTEGER ? (long)reply->integer : -1;

	freeReplyObject(reply);
	return n;
}

const char *
server_do(const char *format, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, format);
	reply = ask(&servers[0], format, ap);
	va_end(ap);
	return text_of(reply);
}

long
server_number(const char *format, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, format);
	reply = ask(&servers[0], format, ap);
	va_end(ap);
	return number_of(reply);
}

const char *
other_do(int i, const char *format, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, format);
	reply = ask(&servers[1 + i], format, ap);
	va_end(ap);
	return text_of(reply);
}

long
other_number(int i, const char *format, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, format);
	reply = ask(&servers[1 + i], format, ap);
	va_end(ap);
	return number_of(reply);
}

/* ---- starting and ending ---- */

#define MOST_WORDS 40

static void
execute(char **words)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execvp(words[0], words);
	_exit(127);
}

/* words end with NULL; more may be NULL. */
static void
start(struct server *s, const char *const *words, const char *const *more)
{
	const char *all[MOST_WORDS] = { program() };
	int n = 1;

	for (; *words != NULL; words++)
		all[n++] = *words;
	for (; more != NULL && *more != NULL; more++)
		all[n++] = *more;
	ck_assert_int_lt(n, MOST_WORDS);
	s->pid = fork();
	if (s->pid == 0)
		execute((char **)(uintptr_t)all);
	ck_assert_int_gt(s->pid, 0);
	await(answers, s, "redis-server");
}

static void
end(struct server *s, int sig)
{
	ck_assert_int_eq(kill(s->pid, sig), 0);
	if (sig != SIGKILL)
		return;
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
	forget(s);
	if (s->port == 0)
		unlink(test_file("s"));
}

void
server_start(int persistent)
{
	start(&servers[0], (const char *const[]){ "--port", "0", "--unixsocket", test_file("s"), "--dir", test_dir,
	    "--save", "", "--appendonly", persistent ? "yes" : "no", "--appendfsync", "always", "--daemonize", "no", NULL },
	    NULL);
}

void
server_kill(int sig)
{
	end(&servers[0], sig);
}

void
server_end(void)
{
	struct server *s;

	for (s = servers; s < servers + 1 + MOST_OTHERS; s++)
		if (s->pid > 0)
			end(s, SIGKILL);
}

static void
start_plain(void)
{
	server_start(0);
}

int
server_fixture(TCase *t, const char *what)
{
	char why[100];

	snprintf(why, sizeof(why), "%s: no redis-server here", what);
	if (server_there())
		tcase_add_checked_fixture(t, start_plain, server_end);
	else
		test_skip(why);
	return server_there();
}

int
free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

void
other_start(int i, const char *const *more)
{
	struct server *s = &servers[1 + i];
	char port[16], cluster_port[16], nodes[32];

	if (s->port == 0)
		s->port = free_port();
	snprintf(port, sizeof(port), "%d", s->port);
	snprintf(cluster_port, sizeof(cluster_port), "%d", free_port());
	snprintf(nodes, sizeof(nodes), "nodes%d.conf", i);
	start(s, (const char *const[]){ "--port", port, "--bind", "127.0.0.1", "--cluster-port", cluster_port,
	    "--cluster-config-file", nodes, "--dir", test_dir, "--save", "", "--appendonly", "no",
	    "--repl-diskless-sync-delay", "0", "--daemonize", "no", NULL }, more);
}

void
other_kill(int i, int sig)
{
	end(&servers[1 + i], sig);
}

int
other_port(int i)
{
	return servers[1 + i].port;
}

const char *
other_url(int i)
{
	static char urls[MOST_OTHERS][40];

	snprintf(urls[i], sizeof(urls[i]), "redis://127.0.0.1:%d", other_port(i));
	return urls[i];
}

/* ---- several ---- */

static int
is_in_step(void *replica)
{
	return strstr(other_do(*(int *)replica, "INFO replication"), "master_link_status:up") != NULL;
}

void
other_follow(int replica, int primary)
{
	ck_assert_str_eq(other_do(replica, "REPLICAOF 127.0.0.1 %d", other_port(primary)), "OK");
	await(is_in_step, &replica, "a replica in step");
}

static int
state_is_ok(void *node)
{
	return strstr(other_do(*(int *)node, "CLUSTER INFO"), "cluster_state:ok") != NULL;
}

static int
knows_two(void *node)
{
	return strstr(other_do(*(int *)node, "CLUSTER INFO"), "cluster_known_nodes:2") != NULL;
}

int
cluster_of_two(void)
{
	int i, nodes[2] = { 0, 1 };
	long slot;

	other_do(0, "CLUSTER ADDSLOTSRANGE 0 8191");
	other_do(1, "CLUSTER ADDSLOTSRANGE 8192 16383");
	other_do(1, "CLUSTER SET-CONFIG-EPOCH 2");
	other_do(0, "CLUSTER MEET 127.0.0.1 %d %s", other_port(1), other_do(1, "CONFIG GET cluster-port"));
	for (i = 0; i < 2; i++) {
		await(knows_two, &nodes[i], "the nodes to meet");
		await(state_is_ok, &nodes[i], "a cluster");
	}
	slot = other_number(0, "CLUSTER KEYSLOT " STATE);
	ck_assert_int_ge(slot, 0);
	return slot > 8191;
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

/* ---- holders ---- */

atomic_int losses;

void
count_loss(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&losses, 1);
}

void
hold_watched(struct ipclock_redis *r)
{
	atomic_store(&losses, 0);
	ck_assert_int_eq(ipclock_redis_set_lost(r, count_loss, NULL), 0);
	ck_assert_int_eq(ipclock_redis_start_renewing(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
}

void
must_be_lost(struct ipclock_redis *r)
{
	uint64_t token;

	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ck_assert_int_eq(ipclock_redis_token(r, &token), ESTALE);
	ck_assert_int_eq(ipclock_redis_release(r), ESTALE);
	ck_assert_int_eq(ipclock_redis_release(r), EPERM);
	ck_assert_int_eq(atomic_load(&losses), 1);
}

int
child_of_a_holder(void *r)
{
	uint64_t token;

	if (ipclock_redis_held(r) || ipclock_redis_release(r) != EPERM || ipclock_redis_renew(r) != EPERM ||
	    ipclock_redis_token(r, &token) != EPERM)
		return 1;
	if (ipclock_redis_acquire_write(r, 0) != EBUSY) {
		fprintf(stderr, "# child: %s\n", ipclock_redis_message(r));
		return 2;
	}
	return ipclock_redis_close(r);
}

void
child_must_not_hold(struct ipclock_redis *r, struct ipclock_redis *watched)
{
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(in_child(child_of_a_holder, r), 0);
	ck_assert_int_eq(ipclock_redis_held(r), 1);
	ck_assert_int_eq(ipclock_redis_renew(r), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	hold_watched(watched);
	ck_assert_int_eq(in_child(child_of_a_holder, watched), 0);
	ck_assert_int_eq(ipclock_redis_renew(watched), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_release(watched), 0);
	ck_assert_int_eq(atomic_load(&losses), 0);
	ipclock_redis_close(r);
	ipclock_redis_close(watched);
}

pid_t
spawn_family(struct ipclock_redis *r, pid_t *grandchild)
{
	int pipes[2];
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		if (ipclock_redis_acquire_write(r, 0) != 0)
			_exit(1);
		*grandchild = fork();
		if (*grandchild != 0 && write(pipes[1], grandchild, sizeof(*grandchild)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(pipes[0], grandchild, sizeof(*grandchild)), (int)sizeof(*grandchild));
	return pid;
}

void
end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	kill(pid, SIGCONT);
	waitpid(pid, NULL, 0);
}
