/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Where a server is: one URL, several, and the "MOVED" of a cluster's node. */

#include <errno.h>

#include "fuzz.h"
#include "url.h"

static void
check(const struct url *url)
{
	MUST(url->text != NULL);
	MUST((url->host == NULL) != (url->path == NULL));
	MUST(url->host == NULL || *url->host != '\0');
	MUST(url->path == NULL ? url->port > 0 && url->port <= 65535 : *url->path == '/');
	MUST(url->database >= 0 && url->database <= 999999);
	MUST(url->user == NULL || *url->user != '\0');
	MUST(url->password == NULL || strlen(url->password) < 70000); /* reads all of it */
}

static void
follow(const char *text, const struct url *told)
{
	struct url node;
	int r = ipclock__redis_url_follow(&node, text, told);

	MUST(r == 0 || r == EPROTO);
	if (r)
		return;
	MUST(node.port > 0 && node.port <= 65535 && *node.host != '\0' && node.path == NULL);
	ipclock__redis_url_free(&node);
}

static void
one(const char *text)
{
	struct url url;
	const char *reason = "unset";
	int r = ipclock__redis_url_parse(&url, text, &reason);

	MUST(r == 0 ? reason == NULL : r == EINVAL && reason != NULL);
	if (r)
		return;
	check(&url);
	follow(text, &url);
	ipclock__redis_url_free(&url);
}

static void
several(const char *text)
{
	struct urls urls;
	const char *reason;
	int i, r = ipclock__redis_urls_parse(&urls, text, &reason);

	MUST(r == 0 ? urls.count > 0 && urls.count <= MOST_SERVERS : urls.count == 0);
	for (i = 0; i < urls.count; i++)
		check(&urls.url[i]);
	ipclock__redis_urls_free(&urls);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char here[] = "localhost";
	const struct url told = { .host = here, .port = 6379 }, told_by_socket = { .path = "/socket" };
	char *text = fuzz_string(data, size);

	one(text);
	several(text);
	follow(text, &told);
	follow(text, &told_by_socket);
	free(text);
	return 0;
}
