/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * One connection to a server, by hiredis.  It never reconnects: what is broken
 * stays broken until it is closed and opened anew.
 */
#ifndef IPCLOCK_REDIS_CONNECTION_H
#define IPCLOCK_REDIS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#include "os_tls.h"
#include "url.h"

#define MOST_RUN_ID 48
#define MOST_REASON 320

/* context and dialing change under the process lock only, for children of fork(2). */
struct connection {
	redisContext *context;       /* NULL: none */
	struct os_tls *tls;          /* NULL: not by TLS */
	int dialing;                 /* a socket on its way to be one, + 1; else 0 */
	int command_ms;              /* how long to wait for an answer */
	bool asking;                 /* a node that is about to have the slot: each script comes behind ASKING */
	const int64_t *limit;        /* until when any wait may last */
	int64_t id;                  /* CLIENT ID */
	char run_id[MOST_RUN_ID];    /* of the server; "": not to be known */
	char reason[MOST_REASON];    /* what went wrong last: a clause, or "" */
};

/* What a command is made of; len[i] may be beyond any NUL. */
struct command {
	int argc;
	const char **argv;
	size_t *len;
};

/*
 * Connects, by TLS if the url says so, logs in if there is a password, selects
 * the database.  limit and command_ms must be set.  After an error reason is set
 * and there is no connection.
 */
int ipclock__redis_connect(struct connection *c, const struct url *url, const struct os_tls_files *files,
    const char *user, const char *password, int connect_ms);

/*
 * Asks for id and run_id, and whether the server is a primary: EROFS if it is
 * known to be a replica.  After an error there is no connection.
 */
int ipclock__redis_introduce(struct connection *c);

/* Sends nothing, so that a child may close its copy of its parent's. */
void ipclock__redis_disconnect(struct connection *c);

/* In a child, with the process lock: closes its copies of the sockets. */
void ipclock__redis_close_copy(struct connection *c);

/* In a child: leaves what may be half done lying. */
void ipclock__redis_abandon(struct connection *c);

bool ipclock__redis_connected(const struct connection *c);

/*
 * One round trip.  0 and a reply to free with freeReplyObject(); an error reply
 * of the server is an errno value (EACCES, ENOMEM, EPROTO, EAGAIN: loading, busy
 * or another node, EROFS: a replica, ENOENT: NOSCRIPT) with the reply's words in
 * reason; when the connection broke or the answer was late (ETIMEDOUT) it is
 * closed.
 */
int ipclock__redis_command(struct connection *c, const struct command *command, redisReply **reply);

/* The same for words without NUL, ended by a NULL; reply may be NULL. */
int ipclock__redis_say(struct connection *c, redisReply **reply, const char *const *words);

/* Sends without waiting for an answer: SUBSCRIBE and its kind. */
int ipclock__redis_send(struct connection *c, const char *const *words);

/*
 * Reads what the server pushed, waiting until then at most (0: only what is
 * there).  0 and a reply, EAGAIN: nothing came, or an error after which it is
 * closed.
 */
int ipclock__redis_receive(struct connection *c, int64_t until, redisReply **reply);

/* The socket, or -1. */
int ipclock__redis_fd(const struct connection *c);

/* Is a client of this id there?  Asks CLIENT LIST ID, outside any script. */
int ipclock__redis_client_lives(struct connection *c, int64_t id, bool *lives);

#endif
