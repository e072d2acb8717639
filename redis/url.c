/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* redis[s]://[[user][:password]@]host[:port][/db] and unix://[[user][:password]@]/path[?db=n], each part with %XX. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"

#define DEFAULT_PORT  6379
#define LAST_PORT     65535
#define LAST_DATABASE 999999

/* 0 to most, in decimal digits and nothing else. */
static bool
number(const char *text, int most, int *value)
{
	long long n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (*text - '0');
		if (n > most)
			return false;
	}
	*value = (int)n;
	return true;
}

static int
digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF", *found = c ? strchr(digits, c) : NULL;

	return found ? (int)((found - digits) % 16) : -1;
}

/* Decodes in place; false: a % without two digits, or %00. */
static bool
decode(char *text)
{
	char *to = text;
	int high, low;

	for (; *text; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		high = digit(text[1]);
		low = high < 0 ? -1 : digit(text[2]);
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

/* Cuts "user@" or "[user]:password@" off *rest, of which the first end bytes may hold it. */
static const char *
take_user(struct url *url, char **rest, size_t end)
{
	char *at = NULL, *colon, *p;

	for (p = *rest; p < *rest + end; p++)
		if (*p == '@')
			at = p;
	if (!at)
		return NULL;
	*at = '\0';
	colon = strchr(*rest, ':');
	if (colon)
		*colon++ = '\0';
	if (!decode(*rest) || (colon && !decode(colon)))
		return "bad % in user or password";
	if (!colon && !**rest)
		return "before @ stands a user, or [user]:password";
	url->user = **rest ? *rest : NULL;
	url->password = colon;
	*rest = at + 1;
	return NULL;
}

/* "host", "host:port", "[address]:port", or "" for this machine. */
static const char *
take_host(struct url *url, char *text)
{
	char *port = strrchr(text, ':'), *bracket = *text == '[' ? strchr(text, ']') : NULL;

	if (*text == '[' && (!bracket || (bracket[1] && bracket[1] != ':')))
		return "bad address in brackets";
	if (bracket) {
		port = bracket[1] ? bracket + 1 : NULL;
		*bracket = '\0';
		text++;
	}
	if (port)
		*port++ = '\0';
	if (!bracket && strchr(text, ':'))
		return "an address with colons stands in brackets";
	url->port = DEFAULT_PORT;
	if (port && (!number(port, LAST_PORT, &url->port) || url->port == 0))
		return "bad port";
	if (!decode(text))
		return "bad % in the host";
	url->host = *text ? text : "localhost";
	return NULL;
}

static const char *
parse_redis(struct url *url, char *rest)
{
	const char *wrong = strchr(rest, '?') || strchr(rest, '#') ? "nothing may follow the database" : NULL;
	char *slash;

	if (!wrong)
		wrong = take_user(url, &rest, strcspn(rest, "/"));
	if (wrong)
		return wrong;
	slash = strchr(rest, '/');
	if (slash)
		*slash++ = '\0';
	if (slash && *slash && !number(slash, LAST_DATABASE, &url->database))
		return "bad database";
	return take_host(url, rest);
}

static const char *
parse_unix(struct url *url, char *rest)
{
	const char *wrong = take_user(url, &rest, strcspn(rest, "/"));
	char *query;

	if (wrong)
		return wrong;
	if (*rest != '/')
		return "the path of a socket begins with /";
	query = strchr(rest, '?');
	if (query)
		*query++ = '\0';
	if (query && (strncmp(query, "db=", 3) != 0 || !number(query + 3, LAST_DATABASE, &url->database)))
		return "behind ? stands db= and a number";
	if (!decode(rest))
		return "bad % in the path";
	url->path = rest;
	return NULL;
}

static const char *
after(const char *text, const char *scheme)
{
	return strncmp(text, scheme, strlen(scheme)) == 0 ? text + strlen(scheme) : NULL;
}

int
ipclock__redis_url_parse(struct url *url, const char *text, const char **reason)
{
	const char *tls = after(text, "rediss://"), *redis = tls ? tls : after(text, "redis://");
	const char *local = after(text, "unix://");

	*url = (struct url){ .tls = tls };
	*reason = "a URL begins with redis://, rediss:// or unix://";
	if (!redis && !local)
		return EINVAL;
	*reason = NULL;
	url->text = malloc(strlen(text) + 1);
	if (!url->text)
		return ENOMEM;
	memcpy(url->text, text, strlen(text) + 1);
	*reason = redis ? parse_redis(url, url->text + (redis - text)) : parse_unix(url, url->text + (local - text));
	if (!*reason)
		return 0;
	ipclock__redis_url_free(url);
	return EINVAL;
}

void
ipclock__redis_url_free(struct url *url)
{
	free(url->text);
	*url = (struct url){ 0 };
}

/* ---- several ---- */

#define BETWEEN " \t\n,"

static int
add(struct urls *urls, const char *text, size_t length, const char **reason)
{
	char *copy;
	int error;

	*reason = "too many servers";
	if (urls->count == MOST_SERVERS)
		return EINVAL;
	*reason = NULL;
	copy = malloc(length + 1);
	if (!copy)
		return ENOMEM;
	memcpy(copy, text, length);
	copy[length] = '\0';
	error = ipclock__redis_url_parse(&urls->url[urls->count], copy, reason);
	free(copy);
	if (error == 0)
		urls->count++;
	return error;
}

int
ipclock__redis_urls_parse(struct urls *urls, const char *text, const char **reason)
{
	size_t length;
	int error = 0;

	urls->count = 0;
	*reason = NULL;
	for (text += strspn(text, BETWEEN); error == 0 && *text; text += strspn(text, BETWEEN)) {
		length = strcspn(text, BETWEEN);
		error = add(urls, text, length, reason);
		text += length;
	}
	if (error == 0 && urls->count == 0) {
		*reason = "a URL begins with redis://, rediss:// or unix://";
		error = EINVAL;
	}
	if (error)
		ipclock__redis_urls_free(urls);
	return error;
}

void
ipclock__redis_urls_free(struct urls *urls)
{
	while (urls->count > 0)
		ipclock__redis_url_free(&urls->url[--urls->count]);
}

int
ipclock__redis_url_follow(struct url *node, const char *sent, const struct url *told)
{
	const char *address = strrchr(sent, ' '), *colon = address ? strrchr(address, ':') : NULL;
	size_t length;
	int port;

	if (!colon || !number(colon + 1, LAST_PORT, &port) || port == 0)
		return EPROTO;
	length = (size_t)(colon - ++address);
	if (length == 0 && !told->host)
		return EPROTO;
	*node = (struct url){ .user = told->user, .password = told->password, .port = port, .tls = told->tls };
	node->asking = strncmp(sent, "ASK ", strlen("ASK ")) == 0;
	if (length == 0) {
		address = told->host;
		length = strlen(address);
	}
	node->text = malloc(length + 1);
	if (!node->text)
		return ENOMEM;
	memcpy(node->text, address, length);
	node->text[length] = '\0';
	node->host = node->text;
	return 0;
}
