/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

#define MOST_PATH 256

static _Thread_local struct {
	struct failure failure;
	bool contended;
	char path[MOST_PATH];
	char text[MOST_PATH + 352];
} last;

/* The error as our user means it, where that is more than the system's words. */
static const struct {
	int error;
	const char *text;
} meanings[] = {
	{ 0, "success" },
	{ EBUSY, "held, or waited for, by another" },
	{ ETIMEDOUT, "timed out" },
	{ EDEADLK, "this thread already holds it" },
	{ EPERM, "not held here, or not by this thread" },
	{ ECANCELED, "the wait was cancelled" },
	{ EINTR, "a signal handler ran" },
	{ EINPROGRESS, "waiting" },
	{ ENOTSUP, "this file system or kernel has no such locks" },
	{ ESTALE, "the lock file keeps being replaced" },
	{ EBADF, "the descriptor is closed, or not open for this" },
	{ ELOOP, "a symbolic link, or too many of them" },
};

const char *
ipclock__mode_operation(enum os_mode mode)
{
	return mode == OS_SHARED ? "read lock" : "write lock";
}

const char *
ipclock__message_error(int error, char *buffer, size_t size)
{
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].error == error)
			return meanings[i].text;
	return ipclock__os_strerror(error, buffer, size);
}

/* A long path loses its beginning. */
static const char *
ending(const char *path, const char **dots)
{
	size_t length = strlen(path);

	*dots = length >= MOST_PATH ? "..." : "";
	return length >= MOST_PATH ? path + length - (MOST_PATH - 4) : path;
}

void
ipclock__message_format(const struct failure *failure, const char *path, char *buffer, size_t size)
{
	char system[128], waited[48] = "";
	const char *what = failure->reason, *dots, *end = ending(path ? path : "", &dots);

	if (!what)
		what = ipclock__message_error(failure->error, system, sizeof(system));
	if (failure->error == ETIMEDOUT)
		snprintf(waited, sizeof(waited), " after %d ms", failure->waited_ms);
	snprintf(buffer, size, "%s%s%s%s: %s%s", failure->operation, *end ? " " : "", dots, end, what, waited);
}

void
ipclock__message_note(const struct failure *failure, const char *path)
{
	const char *dots, *end;

	last.failure = *failure;
	last.contended = false;
	last.path[0] = '\0';
	if (failure->error == 0 || !path)
		return;
	end = ending(path, &dots);
	memcpy(last.path, dots, strlen(dots));
	memcpy(last.path + strlen(dots), end, strlen(end) + 1);
}

int
ipclock__message_outcome(const char *operation, const char *path, const char *reason, int error)
{
	struct failure failure = { operation, reason, error, 0 };

	ipclock__message_note(&failure, path);
	return error;
}

void
ipclock__message_clear(void)
{
	last.failure.error = 0;
}

const char *
ipclock__message_text(const struct failure *failure, const char *path)
{
	last.text[0] = '\0';
	if (failure->error)
		ipclock__message_format(failure, path, last.text, sizeof(last.text));
	return last.text;
}

void
ipclock__message_go_on(const char *more)
{
	size_t length = strlen(last.text);

	if (length && *more)
		snprintf(last.text + length, sizeof(last.text) - length, "; %s", more);
}

const char *
ipclock__message_last(void)
{
	return ipclock__message_text(&last.failure, last.path);
}

void
ipclock__message_mark_contended(void)
{
	last.contended = true;
}

/* A path that lost its beginning names nothing. */
const char *
ipclock__message_contended(void)
{
	bool named = last.contended && last.failure.error && *last.path && strncmp(last.path, "...", 3) != 0;

	return named ? last.path : NULL;
}
