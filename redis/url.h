/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Where a server is, and who we are there: text in, plain data out. */
#ifndef IPCLOCK_REDIS_URL_H
#define IPCLOCK_REDIS_URL_H

/* One allocation behind text; user, password and database may be absent: NULL, NULL, 0. */
struct url {
	char *text;           /* the decoded copy that the others point into; free() frees all */
	const char *host;     /* NULL with a path */
	const char *path;     /* of a socket, or NULL */
	const char *user;
	const char *password;
	int port;
	int database;
};

/* 0, EINVAL, ENOTSUP (rediss) or ENOMEM; *reason is a clause that says more, or NULL. */
int ipclock__redis_url_parse(struct url *url, const char *text, const char **reason);
void ipclock__redis_url_free(struct url *url);

#endif
