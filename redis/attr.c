/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipclock-redis.h"

#include "attr.h"
#include "message.h"
#include "os_tls.h"

#define LEAST_LEASE_MS 100
#define MOST_LEASE_MS  86400000

static const struct ipclock_redis_attr defaults = {
	.backoff = { .step_ms = 50, .max_ms = 1000 },
	.lease_ms = 10000,
	.connect_ms = 2000,
	.command_ms = 2000,
	.prefix = "ipclock:",
};

/* Every setter ends here. */
static int
set(const char *setter, const char *reason, int error)
{
	return ipclock__redis_outcome(NULL, setter, NULL, reason, error);
}

int
ipclock_redis_attr_new(struct ipclock_redis_attr **attr)
{
	int saved = errno;

	if (!attr)
		return set("new options", "no place to put them: NULL", EINVAL);
	*attr = malloc(sizeof(**attr));
	errno = saved;
	if (!*attr)
		return set("new options", NULL, ENOMEM);
	**attr = defaults;
	return set(NULL, NULL, 0);
}

void
ipclock_redis_attr_free(struct ipclock_redis_attr *attr)
{
	int saved = errno;

	if (attr)
		ipclock__redis_attr_clear(attr);
	free(attr);
	errno = saved;
}

/* *copy is NULL of NULL. */
static int
copy_text(char **copy, const char *text)
{
	*copy = NULL;
	if (!text)
		return 0;
	*copy = malloc(strlen(text) + 1);
	if (!*copy)
		return ENOMEM;
	strcpy(*copy, text);
	return 0;
}

int
ipclock__redis_attr_copy(struct ipclock_redis_attr *copy, const struct ipclock_redis_attr *attr)
{
	int i, error = 0;

	if (!attr)
		attr = &defaults;
	*copy = *attr;
	for (i = 0; i < TEXTS; i++)
		if (copy_text(&copy->text[i], attr->text[i]) != 0)
			error = ENOMEM;
	if (error)
		ipclock__redis_attr_clear(copy);
	return error;
}

void
ipclock__redis_attr_clear(struct ipclock_redis_attr *attr)
{
	int i;

	for (i = 0; i < TEXTS; i++) {
		free(attr->text[i]);
		attr->text[i] = NULL;
	}
}

/* Of these texts, from the first on, copies take the place of the old ones: all or none. */
static int
set_texts(struct ipclock_redis_attr *attr, const char *setter, int first, const char *const *texts, int n)
{
	struct ipclock_redis_attr with = *attr, made;
	int i, saved = errno, error;

	for (i = 0; i < n; i++)
		with.text[first + i] = (char *)(uintptr_t)texts[i]; /* only to be copied */
	error = ipclock__redis_attr_copy(&made, &with);
	if (error == 0) {
		ipclock__redis_attr_clear(attr);
		*attr = made;
	}
	errno = saved;
	return set(error ? setter : NULL, NULL, error);
}

int
ipclock_redis_attr_set_auth(struct ipclock_redis_attr *attr, const char *user, const char *password)
{
	if (!attr || (user && !password))
		return set("set auth", !attr ? "no options: NULL" : "a user needs a password", EINVAL);
	return set_texts(attr, "set auth", USER, (const char *const[]){ user, password }, 2);
}

int
ipclock_redis_attr_set_tls(struct ipclock_redis_attr *attr, const char *ca_file, const char *cert_file,
    const char *key_file)
{
	if (!attr || (key_file && !cert_file))
		return set("set tls", !attr ? "no options: NULL" : "a key needs a certificate", EINVAL);
	if (!ipclock__redis_os_tls_built())
		return set("set tls", "built without TLS", ENOTSUP);
	return set_texts(attr, "set tls", AUTHORITIES, (const char *const[]){ ca_file, cert_file, key_file }, 3);
}

int
ipclock_redis_attr_set_lease(struct ipclock_redis_attr *attr, int lease_ms)
{
	if (!attr || lease_ms < LEAST_LEASE_MS || lease_ms > MOST_LEASE_MS)
		return set("set lease", !attr ? "no options: NULL" : "a lease is 100 ms to a day", EINVAL);
	attr->lease_ms = lease_ms;
	return set(NULL, NULL, 0);
}

int
ipclock_redis_attr_set_backoff(struct ipclock_redis_attr *attr, int step_ms, int max_ms)
{
	if (!attr || step_ms < 1 || max_ms < 0)
		return set("set backoff", !attr ? "no options: NULL" : "the step must be 1 ms or more, the maximum 0 or more",
		    EINVAL);
	attr->backoff.step_ms = step_ms;
	attr->backoff.max_ms = max_ms > step_ms ? max_ms : step_ms;
	return set(NULL, NULL, 0);
}

int
ipclock_redis_attr_set_jitter(struct ipclock_redis_attr *attr, int percent)
{
	if (!attr || percent < 0 || percent > 100)
		return set("set jitter", !attr ? "no options: NULL" : "the percentage must be 0 to 100", EINVAL);
	attr->backoff.jitter_percent = percent;
	return set(NULL, NULL, 0);
}

int
ipclock_redis_attr_set_timeouts(struct ipclock_redis_attr *attr, int connect_ms, int command_ms)
{
	if (!attr || connect_ms < 1 || command_ms < 1)
		return set("set timeouts", !attr ? "no options: NULL" : "each must be 1 ms or more", EINVAL);
	attr->connect_ms = connect_ms;
	attr->command_ms = command_ms;
	return set(NULL, NULL, 0);
}

int
ipclock_redis_attr_set_protocol(struct ipclock_redis_attr *attr, int protocol)
{
	if (!attr || (protocol != IPCLOCK_REDIS_LEASE && protocol != IPCLOCK_REDIS_PORTALOCKER))
		return set("set protocol", !attr ? "no options: NULL" : "unknown protocol", EINVAL);
	attr->protocol = protocol;
	return set(NULL, NULL, 0);
}

static const char *
wrong_prefix(const char *prefix)
{
	if (!prefix)
		return "no prefix: NULL";
	if (strlen(prefix) > MOST_PREFIX)
		return "the prefix is longer than 200 bytes";
	return strpbrk(prefix, "{}") ? "the prefix has a brace, which would choose the keys' hash slot" : NULL;
}

int
ipclock_redis_attr_set_prefix(struct ipclock_redis_attr *attr, const char *prefix)
{
	const char *wrong = !attr ? "no options: NULL" : wrong_prefix(prefix);

	if (wrong)
		return set("set prefix", wrong, EINVAL);
	memcpy(attr->prefix, prefix, strlen(prefix) + 1);
	return set(NULL, NULL, 0);
}
