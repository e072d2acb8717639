/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Where a server is, and who we are there: text in, plain data out. */
#ifndef IPCLOCK_REDIS_URL_H
#define IPCLOCK_REDIS_URL_H

#include <stdbool.h>

#define MOST_SERVERS 16

/* One allocation behind text; user, password and database may be absent: NULL, NULL, 0; a user may stand alone. */
struct url {
	char *text;           /* the decoded copy that the others point into; free() frees all */
	const char *host;     /* NULL with a path */
	const char *path;     /* of a socket, or NULL */
	const char *user;
	const char *password;
	int port;
	int database;
	bool tls;
	bool asking; /* followed from an ASK: the node is about to have the slot */
};

/* 0, EINVAL or ENOMEM; *reason is a clause that says more, or NULL. */
int ipclock__redis_url_parse(struct url *url, const char *text, const char **reason);
void ipclock__redis_url_free(struct url *url);

/* The servers of one deployment, in the order in which they are tried. */
struct urls {
	int count;
	struct url url[MOST_SERVERS];
};

/* The same for several, separated by commas or blanks. */
int ipclock__redis_urls_parse(struct urls *urls, const char *text, const char **reason);
void ipclock__redis_urls_free(struct urls *urls);

/*
 * The node that "MOVED SLOT HOST:PORT", or ASK in its place, tells of, by user,
 * password, TLS and, where it names none, host of who told, whose text it borrows.
 * EPROTO, ENOMEM.
 */
int ipclock__redis_url_follow(struct url *node, const char *sent, const struct url *told);

#endif
