/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "os_redis.h"
#include "os_socket.h"

#define MOST_WORDS  16
#define SOME        16384
#define MOST_ANSWER (64 << 20)

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
	{ "MOVED", EAGAIN },
	{ "ASK", EAGAIN },
	{ "READONLY", EROFS },
	{ "MISCONF", EIO },
	{ "NOREPLICAS", EIO },
};

/* Redis 6 tells an error inside a script as "ERR Error running script (...): ... -NOPERM ...". */
static const char *
first_word(const char *text)
{
	const char *word;

	if (strncmp(text, "ERR Error running script", strlen("ERR Error running script")) != 0)
		return text;
	word = strstr(text, " -");
	return word ? word + 2 : text;
}

static int
error_of_reply(struct connection *c, const redisReply *reply)
{
	const char *word = first_word(reply->str);
	size_t i, length;

	because(c, reply->str, 0);
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		length = strlen(refusals[i].word);
		if (strncmp(word, refusals[i].word, length) == 0 && (word[length] == ' ' || !word[length]))
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
	default:
		return system ? system : EIO;
	}
}

/* What is broken is closed: a late answer must not be taken for that of a later command. */
static int
broken(struct connection *c, const char *reason, int error)
{
	because(c, reason, 0);
	ipclock__redis_disconnect(c);
	return error;
}

static int
broken_by(struct connection *c, int system)
{
	return broken(c, c->context->errstr, error_of_context(c->context, system));
}

/* With the clause that TLS gave, or NULL. */
static int
because_of_tls(struct connection *c, const char *clause, int error)
{
	snprintf(c->reason, sizeof(c->reason), "TLS: %s", clause ? clause : strerror(error));
	return error;
}

/* ---- round trips ---- */

/* Until when to wait for what is begun now. */
static int64_t
patience(const struct connection *c, int ms)
{
	int64_t until = ipclock__os_redis_now() + ms * OS_MS;

	return until < *c->limit ? until : *c->limit;
}

static int
send_bytes(struct connection *c, const char *bytes, size_t length, int64_t until)
{
	const char *clause = NULL;
	int error;

	if (c->tls)
		error = ipclock__redis_os_tls_send(c->tls, c->context->fd, bytes, length, until, &clause);
	else
		error = ipclock__redis_os_send(c->context->fd, bytes, length, until);
	if (error && !clause)
		clause = error == ETIMEDOUT ? "the server does not read" : strerror(error);
	return error ? broken(c, clause, error) : 0;
}

static int
send_command(struct connection *c, const struct command *command, int64_t until)
{
	char *bytes = NULL;
	long long length; /* what hiredis 1 says; before, an int */
	int error;

	if (!c->context)
		return because(c, "there is no connection", ENOTCONN);
	length = redisFormatCommandArgv(&bytes, command->argc, command->argv, command->len);
	if (length < 0)
		return because(c, "no memory for a command", ENOMEM);
	error = send_bytes(c, bytes, (size_t)length, until);
	redisFreeCommand(bytes);
	return error;
}

static int
take_in_by_tls(struct connection *c, int64_t until)
{
	char bytes[SOME];
	const char *clause;
	size_t n;
	int error = ipclock__redis_os_tls_receive(c->tls, c->context->fd, bytes, sizeof(bytes), until, &n, &clause);

	if (error == EAGAIN)
		return EAGAIN;
	if (error)
		return broken(c, clause ? clause : strerror(error), error);
	return redisReaderFeed(c->context->reader, bytes, n) == REDIS_OK ? 0 : broken(c, "no memory for a reply", ENOMEM);
}

/* EAGAIN: nothing came in time. */
static int
take_in(struct connection *c, int64_t until)
{
	if (c->tls)
		return take_in_by_tls(c, until);
	if (!ipclock__redis_os_readable(c->context->fd, until))
		return EAGAIN;
	errno = 0;
	return redisBufferRead(c->context) == REDIS_OK ? 0 : broken_by(c, errno);
}

/* EAGAIN: nothing whole came in time. */
static int
read_reply(struct connection *c, int64_t until, redisReply **reply)
{
	void *read = NULL;
	int error;

	for (;;) {
		if (redisGetReplyFromReader(c->context, &read) != REDIS_OK)
			return broken_by(c, 0);
		*reply = read;
		if (read)
			return 0;
		error = take_in(c, until);
		if (error)
			return error;
		if (c->context->reader->len > MOST_ANSWER)
			return broken(c, "the server's answer has no end", EPROTO);
	}
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
	redisReply *read = NULL;
	int64_t until = patience(c, c->command_ms);
	int error;

	*reply = NULL;
	error = send_command(c, command, until);
	if (error)
		return error;
	error = read_reply(c, until, &read);
	if (error == EAGAIN)
		return broken(c, "the server does not answer", ETIMEDOUT);
	return error ? error : judge(c, read, reply);
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

	return send_command(c, &command, patience(c, c->command_ms));
}

int
ipclock__redis_receive(struct connection *c, int64_t until, redisReply **reply)
{
	redisReply *read = NULL;
	int error;

	*reply = NULL;
	if (!c->context)
		return because(c, "there is no connection", ENOTCONN);
	error = read_reply(c, until < *c->limit ? until : *c->limit, &read);
	return error ? error : judge(c, read, reply);
}

/* ---- connecting ---- */

/* From here on hiredis has the socket. */
static int
hand_over(struct connection *c)
{
	ipclock__os_redis_process_lock();
	c->context = redisConnectFd(c->dialing - 1);
	if (!c->context)
		ipclock__os_redis_close(c->dialing - 1);
	c->dialing = 0;
	ipclock__os_redis_process_unlock();
	return c->context ? 0 : because(c, "no memory for a connection", ENOMEM);
}

static int
dial(struct connection *c, const struct url *url, int64_t until)
{
	const char *reason;
	int error = ipclock__redis_os_dial(url->path, url->host, url->port, until, &c->dialing, &reason);

	return error ? because(c, reason ? reason : strerror(error), error) : hand_over(c);
}

static int
secure(struct connection *c, const struct url *url, const struct os_tls_files *files, int64_t until)
{
	const char *clause;
	int error = ipclock__redis_os_tls_make(&c->tls, url->host, files, &clause);

	if (error == 0)
		error = ipclock__redis_os_tls_start(c->tls, c->context->fd, until, &clause);
	return error ? because_of_tls(c, clause, error) : 0;
}

static int
log_in(struct connection *c, const struct url *url, const char *user, const char *password)
{
	const char *auth[] = { "AUTH", user ? user : password, user ? password : NULL, NULL };
	char database[16];
	const char *select[] = { "SELECT", database, NULL };
	int error = password ? ipclock__redis_say(c, NULL, auth) : 0;

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

/*
 * Who may not ask is not told: it cannot tell a dead connection from one of
 * another life of the server, nor a primary from a replica.
 */
static int
ask_info(struct connection *c)
{
	redisReply *reply;
	const char *found;
	int error = ipclock__redis_say(c, &reply, (const char *const[]){ "INFO", NULL });

	if (error == EACCES)
		return because(c, "", 0);
	if (error)
		return error;
	found = reply->str ? strstr(reply->str, "run_id:") : NULL;
	if (!found || sscanf(found, "run_id:%47[0-9a-zA-Z]", c->run_id) != 1)
		error = because(c, "the server tells no run_id", EPROTO);
	else if (strstr(reply->str, "\nrole:slave"))
		error = because(c, "the server is a replica", EROFS);
	freeReplyObject(reply);
	return error;
}

int
ipclock__redis_connect(struct connection *c, const struct url *url, const struct os_tls_files *files,
    const char *user, const char *password, int connect_ms)
{
	int64_t until = patience(c, connect_ms);
	int error;

	c->id = 0;
	c->asking = url->asking;
	c->run_id[0] = c->reason[0] = '\0';
	error = dial(c, url, until);
	if (error == 0 && url->tls)
		error = secure(c, url, files, until);
	if (error == 0)
		error = log_in(c, url, user, password);
	if (error)
		ipclock__redis_disconnect(c);
	return error;
}

int
ipclock__redis_introduce(struct connection *c)
{
	int error = ask_id(c);

	if (error == 0)
		error = ask_info(c);
	if (error)
		ipclock__redis_disconnect(c);
	return error;
}

void
ipclock__redis_disconnect(struct connection *c)
{
	ipclock__os_redis_process_lock();
	if (c->context)
		redisFree(c->context);
	ipclock__redis_os_tls_free(c->tls);
	c->context = NULL;
	c->tls = NULL;
	ipclock__os_redis_process_unlock();
}

void
ipclock__redis_close_copy(struct connection *c)
{
	ipclock__os_redis_close(c->dialing - 1);
	c->dialing = 0;
	if (!c->context)
		return;
	ipclock__os_redis_close(c->context->fd);
	c->context->fd = -1;
}

void
ipclock__redis_abandon(struct connection *c)
{
	c->context = NULL;
	c->tls = NULL;
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
	if (reply->type != REDIS_REPLY_STRING)
		error = because(c, "the server tells no clients", EPROTO);
	else
		*lives = strncmp(reply->str, "id=", 3) == 0;
	freeReplyObject(reply);
	return error;
}
