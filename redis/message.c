/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

#define MOST_NAME 96

static _Thread_local struct message last;

/* The error as our user means it, where that is more than the system's words. */
static const struct {
	int error;
	const char *text;
} meanings[] = {
	{ EBUSY, "held, or waited for, by another" },
	{ ETIMEDOUT, "timed out" },
	{ EDEADLK, "this handle already holds it" },
	{ EPERM, "nothing is held here" },
	{ ESTALE, "the lock was lost" },
	{ ECANCELED, "the wait was cancelled" },
	{ EINPROGRESS, "waiting" },
	{ EPROTO, "the server has something else there" },
	{ EROFS, "the server is a replica that cannot be written" },
};

static const char *
meaning(int error)
{
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].error == error)
			return meanings[i].text;
	return strerror(error);
}

/* What came from outside: no control characters for a terminal or a log. */
static void
clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\177')
			*text = '?';
}

int
ipclock__redis_outcome(struct message *message, const char *operation, const char *name, const char *reason, int error)
{
	int saved = errno;

	last.text[0] = '\0';
	if (error) {
		snprintf(last.text, sizeof(last.text), "%s%s%.*s: %s", operation, name && *name ? " " : "", MOST_NAME,
		    name ? name : "", reason && *reason ? reason : meaning(error));
		clean(last.text);
	}
	if (message)
		*message = last;
	errno = saved;
	return error;
}

const char *
ipclock__redis_message_last(void)
{
	return last.text;
}
