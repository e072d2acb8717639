/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "os_socket.h"

#define MOST_WORDS 16

static int
because(struct connection *c, const char *reason, int error)
{
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	return error;
}

/* ---- what went wrong ---- */

/* The first word of an error reply, and what it means to us. */
static const struct {
	const char *word;
	int error;
} refusals[] = {
	{ "NOAUTH", EACCES },
	{ "WRONGPASS", EACCES },
	{ "NOPERM", EACCES },
	{ "DENIED", EACCES },
	{ "NOSCRIPT", ENOENT },
	{ "OOM", ENOMEM },
	{ "LOADING", EAGAIN },
	{ "BUSY", EAGAIN },
	{ "TRYAGAIN", EAGAIN },
	{ "MASTERDOWN", EAGAIN },
	{ "CLUSTERDOWN", EAGAIN },
	{ "READONLY", EROFS },
	{ "MISCONF", EIO },
	{ "NOREPLICAS", EIO },
};

/* An error inside a script is told as "ERR Error running script ... NOPERM ..." by some servers. */
static int
error_of_reply(struct connection *c, const redisReply *reply)
{
	size_t i, length;

	because(c, reply->str, 0);
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		length = strlen(refusals[i].word);
		if (strncmp(reply->str, refusals[i].word, length) == 0 && (reply->str[length] == ' ' || !reply->str[length]))
			return refusals[i].error;
	}
	return EPROTO;
}

static int
error_of_context(const redisContext *context, int system)
{
	switch (context->err) {
	case REDIS_ERR_EOF:
		return ECONNRESET;
	case REDIS_ERR_OOM:
		return ENOMEM;
	case REDIS_ERR_PROTOCOL:
		return EPROTO;
	case REDIS_ERR_IO:
		return system == EAGAIN || system == EWOULDBLOCK ? ETIMEDOUT : system ? system : EIO;
	default: /* of getaddrinfo(3), mostly */
		return EHOSTUNREACH;
	}
}

/* What is broken is closed: a late answer must not be taken for that of a later command. */
static int
broken(struct connection *c, int system)
{
	int error = error_of_context(c->context, system);

	because(c, error == ETIMEDOUT ? "the server does not answer" : c->context->errstr, 0);
	ipclock__redis_disconnect(c);
	return error;
}

/* ---- round trips ---- */

static int
send_command(struct connection *c, const struct command *command)
{
	char *bytes = NULL;
	int error, length;

	if (!c->context)
		return because(c, "there is no connection", ENOTCONN);
	length = redisFormatCommandArgv(&bytes, command->argc, command->argv, command->len);
	if (length < 0)
		return because(c, "no memory for a command", ENOMEM);
	error = ipclock__redis_os_send(c->context->fd, bytes, (size_t)length);
	redisFreeCommand(bytes);
	if (error == 0)
		return 0;
	because(c, error == ETIMEDOUT ? "the server does not read" : strerror(error), 0);
	ipclock__redis_disconnect(c);
	return error;
}

/* Takes what was read over: 0, or the errno value of an error reply, which is freed. */
static int
judge(struct connection *c, redisReply *read, redisReply **reply)
{
	int error;

	if (read->type != REDIS_REPLY_ERROR) {
		*reply = read;
		return 0;
	}
	error = error_of_reply(c, read);
	freeReplyObject(read);
	return error;
}

int
ipclock__redis_command(struct connection *c, const struct command *command, redisReply **reply)
{
	void *read = NULL;
	int error;

	*reply = NULL;
	error = send_command(c, command);
	if (error)
		return error;
	errno = 0;
	if (redisGetReply(c->context, &read) != REDIS_OK)
		return broken(c, errno);
	return judge(c, read, reply);
}

static struct command
command_of(const char *const *words, const char **argv, size_t *len)
{
	int n;

	for (n = 0; n < MOST_WORDS && words[n]; n++) {
		argv[n] = words[n];
		len[n] = strlen(words[n]);
	}
	return (struct command){ n, argv, len };
}

int
ipclock__redis_say(struct connection *c, redisReply **reply, const char *const *words)
{
	const char *argv[MOST_WORDS];
	size_t len[MOST_WORDS];
	struct command command = command_of(words, argv, len);
	redisReply *unwanted = NULL;
	int error = ipclock__redis_command(c, &command, reply ? reply : &unwanted);

	if (unwanted)
		freeReplyObject(unwanted);
	return error;
}

int
ipclock__redis_send(struct connection *c, const char *const *words)
{
	const char *argv[MOST_WORDS];
	size_t len[MOST_WORDS];
	struct command command = command_of(words, argv, len);

	return send_command(c, &command);
}

int
ipclock__redis_receive(struct connection *c, int wait_ms, redisReply **reply)
{
	void *read = NULL;

	*reply = NULL;
	if (!c->context)
		return because(c, "there is no connection", ENOTCONN);
	if (redisGetReplyFromReader(c->context, &read) != REDIS_OK)
		return broken(c, 0);
	if (!read && !ipclock__redis_os_readable(c->context->fd, wait_ms))
		return EAGAIN;
	errno = 0;
	if (!read && (redisBufferRead(c->context) != REDIS_OK || redisGetReplyFromReader(c->context, &read) != REDIS_OK))
		return broken(c, errno);
	return read ? judge(c, read, reply) : EAGAIN;
}

/* ---- connecting ---- */

static struct timeval
timeval_of(int ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

/* hiredis gives up at a signal: we try again. */
static int
dial(struct connection *c, const struct url *url, struct timeval timeout)
{
	for (;;) {
		errno = 0;
		c->context = url->path ? redisConnectUnixWithTimeout(url->path, timeout) :
		    redisConnectWithTimeout(url->host, url->port, timeout);
		if (!c->context)
			return because(c, "no memory for a connection", ENOMEM);
		if (c->context->err != REDIS_ERR_IO || errno != EINTR)
			return c->context->err ? broken(c, errno) : 0;
		ipclock__redis_disconnect(c);
	}
}

static int
log_in(struct connection *c, const struct url *url)
{
	const char *auth[] = { "AUTH", url->user ? url->user : url->password, url->user ? url->password : NULL, NULL };
	char database[16];
	const char *select[] = { "SELECT", database, NULL };
	int error = url->password ? ipclock__redis_say(c, NULL, auth) : 0;

	if (error)
		return error == EPROTO ? EACCES : error; /* some say no more than ERR */
	snprintf(database, sizeof(database), "%d", url->database);
	return url->database ? ipclock__redis_say(c, NULL, select) : 0;
}

static int
ask_id(struct connection *c)
{
	redisReply *reply;
	int error = ipclock__redis_say(c, &reply, (const char *const[]){ "CLIENT", "ID", NULL });

	if (error)
		return error;
	c->id = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	return c->id > 0 ? 0 : because(c, "the server tells no client id", EPROTO);
}

/* Who may not ask is not told, and cannot tell a dead connection from one of another life of the server. */
static int
ask_run_id(struct connection *c)
{
	redisReply *reply;
	const char *found;
	int error = ipclock__redis_say(c, &reply, (const char *const[]){ "INFO", "server", NULL });

	if (error == EACCES)
		return because(c, "", 0);
	if (error)
		return error;
	found = reply->str ? strstr(reply->str, "run_id:") : NULL;
	if (!found || sscanf(found, "run_id:%47[0-9a-zA-Z]", c->run_id) != 1)
		error = because(c, "the server tells no run_id", EPROTO);
	freeReplyObject(reply);
	return error;
}

int
ipclock__redis_connect(struct connection *c, const struct url *url, int connect_ms, int command_ms)
{
	int error;

	*c = (struct connection){ 0 };
	error = dial(c, url, timeval_of(connect_ms));
	if (error)
		return error;
	ipclock__redis_os_close_on_exec(c->context->fd);
	if (redisSetTimeout(c->context, timeval_of(command_ms)) != REDIS_OK)
		return broken(c, errno);
	if (!url->path)
		redisEnableKeepAlive(c->context);
	error = log_in(c, url);
	if (error == 0)
		error = ask_id(c);
	if (error == 0)
		error = ask_run_id(c);
	if (error)
		ipclock__redis_disconnect(c);
	return error;
}

void
ipclock__redis_disconnect(struct connection *c)
{
	if (c->context)
		redisFree(c->context);
	c->context = NULL;
}

bool
ipclock__redis_connected(const struct connection *c)
{
	return c->context;
}

int
ipclock__redis_fd(const struct connection *c)
{
	return c->context ? c->context->fd : -1;
}

int
ipclock__redis_client_lives(struct connection *c, int64_t id, bool *lives)
{
	char text[24];
	redisReply *reply;
	int error;

	snprintf(text, sizeof(text), "%" PRId64, id);
	error = ipclock__redis_say(c, &reply, (const char *const[]){ "CLIENT", "LIST", "ID", text, NULL });
	if (error)
		return error;
	*lives = reply->str && strncmp(reply->str, "id=", 3) == 0;
	freeReplyObject(reply);
	return 0;
}
